import { setTimeout as delay } from 'node:timers/promises';
import type { ResourceName, ResourceObjects } from '../objects.ts';
import type { ApiRegistry } from '../registry-contract.ts';
import { parseGoJson } from './go-json.ts';
import { isJsonObject } from './json.ts';
import { GoJsonError } from './json-reader.ts';
import type { ListOptions } from './query-options.ts';
import { parseVersion } from './query-options.ts';
import type { Selector } from './selectors.ts';
import { StatusError } from './status-error.ts';

export type ListPage<R extends ResourceName> = {
  items: ResourceObjects[R][];
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
};

type Token = { version: number; start: string };

const encodeToken = ({ version, start }: Token): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: version, start })).toString('base64url');

/** Throws StatusError 400. */
function decodeToken(text: string): Token {
  try {
    // Byte by byte, so that what is no UTF-8 is named as Go names it.
    const { value } = parseGoJson(Buffer.from(text, 'base64url').toString('latin1'));
    const { rv, start: encoded } = isJsonObject(value) ? value : {};
    if (typeof rv === 'number' && Number.isSafeInteger(rv) && typeof encoded === 'string') {
      const start = Buffer.from(encoded, 'latin1').toString('utf8');
      return { version: rv, start: start.startsWith('/') ? start : `/${start}` };
    }
    throw new GoJsonError('incorrect encoded start resourceVersion');
  } catch (error) {
    if (!(error instanceof GoJsonError)) throw error;
    throw new StatusError(
      'BadRequest',
      `invalid continue token: continue key is not valid: ${error.message}`,
    );
  }
}

const expiredPage = (token: Token) =>
  new StatusError(
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    { continueToken: encodeToken({ version: -1, start: token.start.slice(1) }) },
  );

export const tooLargeVersion = (wanted: number, current: number): StatusError =>
  new StatusError('Timeout', `Timeout: Too large resource version: ${wanted}, current: ${current}`, {
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  });

export const futureVersionWaitMs = 3000;

/** One page of a list, consistent with its first page. Throws StatusError 400, 410, 504. */
export async function listPage<R extends ResourceName>(
  registry: ApiRegistry,
  at: { resource: R; namespace: string | undefined; selector: Selector<R> | undefined; signal: AbortSignal },
  options: ListOptions,
): Promise<ListPage<R>> {
  const { resource, namespace, selector } = at;
  const wanted = parseVersion(options.resourceVersion, 'list');
  if (wanted > registry.version()) await delay(futureVersionWaitMs, undefined, { signal: at.signal });
  if (wanted > registry.version()) throw tooLargeVersion(wanted, registry.version());

  let version = registry.version();
  let start = '';
  let all: ResourceObjects[R][] | undefined;
  if (options.continue !== '') {
    if (options.resourceVersion !== '' && options.resourceVersion !== '0') {
      throw new StatusError('BadRequest', 'specifying resource version is not allowed when using continue');
    }
    const token = decodeToken(options.continue);
    start = token.start;
    if (token.version > 0) {
      version = token.version;
      all = registry.listAt(resource, version, namespace);
      if (all === undefined) throw expiredPage(token);
    }
  } else if (options.resourceVersionMatch === 'Exact') {
    version = wanted;
    all = registry.listAt(resource, version, namespace);
    if (all === undefined)
      throw new StatusError('Expired', 'The resourceVersion for the provided list is too old.');
  }

  const keyOf = ({ metadata }: ResourceObjects[R]) =>
    namespace === undefined ? `/${metadata.namespace ?? ''}/${metadata.name}` : `/${metadata.name}`;
  const rest = (all ?? registry.list(resource, namespace)).filter((object) => keyOf(object) >= start);
  const matching = selector === undefined ? rest : rest.filter(selector);
  // A list "at any version" comes from the cache whole, as in Kubernetes.
  const limit = options.resourceVersion === '0' ? 0 : options.limit;
  const items = limit === 0 ? matching : matching.slice(0, limit);
  const last = items.at(-1);
  const metadata: ListPage<R>['metadata'] = { resourceVersion: String(version) };
  if (last !== undefined && items.length < matching.length) {
    metadata.continue = encodeToken({ version, start: `${keyOf(last)}\0` });
    if (selector === undefined) metadata.remainingItemCount = matching.length - items.length;
  }
  return { items, metadata };
}
