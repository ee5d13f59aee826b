import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Pod } from '../objects.ts';
import type { ApiRegistry } from '../registry-contract.ts';
import type { Answer, Call, Stream } from './call.ts';
import { methodNotAllowed } from './call.ts';
import type { FieldError } from './field-errors.ts';
import { forbiddenField, invalid, invalidValue } from './field-errors.ts';
import { findOwn } from './json.ts';
import { negotiate } from './negotiation.ts';
import { parseFlag, parseInteger } from './query-options.ts';
import { notFound, resources } from './resources.ts';
import { StatusError } from './status-error.ts';

export type LogOptions = {
  previous: boolean;
  follow: boolean;
  sinceTime?: Date;
  tailLines?: number;
  limitBytes?: number;
  timestamps: boolean;
};

/** Reads what a container wrote, as the kubelet kept it; following ends when the container ends or `signal` aborts. */
export type ReadLog = (
  pod: Pod,
  container: string,
  options: LogOptions,
  signal: AbortSignal,
) => AsyncIterable<Buffer>;

function parseSinceTime(query: URLSearchParams): Date | undefined {
  const text = query.get('sinceTime');
  if (text === null || text === '') return undefined;
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)$/.test(text);
  if (isTime && !Number.isNaN(Date.parse(text))) return new Date(text);
  throw new StatusError(
    'BadRequest',
    `parsing time "${text}" as "2006-01-02T15:04:05Z07:00": cannot parse "${text}" as "2006"`,
  );
}

/** Throws StatusError 400 for what cannot be read, 422 for what makes no sense. */
function parseLogOptions(query: URLSearchParams, podName: string): LogOptions {
  const tailLines = parseInteger(query, 'tailLines');
  const limitBytes = parseInteger(query, 'limitBytes');
  const sinceSeconds = parseInteger(query, 'sinceSeconds');
  const sinceTime = parseSinceTime(query);

  const faults: FieldError[] = [];
  if (tailLines !== undefined && tailLines < 0) {
    faults.push(invalidValue('tailLines', tailLines, 'must be greater than or equal to 0'));
  }
  if (limitBytes !== undefined && limitBytes < 1) {
    faults.push(invalidValue('limitBytes', limitBytes, 'must be greater than 0'));
  }
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    faults.push(forbiddenField('[]', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  } else if (sinceSeconds !== undefined && sinceSeconds < 1) {
    faults.push(invalidValue('sinceSeconds', sinceSeconds, 'must be greater than 0'));
  }
  if (query.has('stream')) faults.push(forbiddenField('stream', 'may not be specified'));
  if (faults.length > 0) throw invalid({ group: '', kind: 'PodLogOptions', name: podName }, faults);

  // No line is older than 1970, and a Date does not reach back as far as one may ask.
  const since =
    sinceSeconds === undefined ? sinceTime : new Date(Math.max(Date.now() - sinceSeconds * 1000, 0));
  return {
    previous: parseFlag(query, 'previous') ?? false,
    follow: parseFlag(query, 'follow') ?? false,
    timestamps: parseFlag(query, 'timestamps') ?? false,
    ...(since === undefined ? {} : { sinceTime: since }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
  };
}

function chooseContainer({ metadata, spec }: Pod, asked: string): string {
  const names = [...(spec.initContainers ?? []), ...spec.containers].map(({ name }) => name);
  const [only] = spec.containers;
  if (asked === '' && spec.containers.length === 1 && only !== undefined) return only.name;
  if (asked === '') {
    throw new StatusError(
      'BadRequest',
      `a container name must be specified for pod ${metadata.name}, choose one of: [${names.join(' ')}]`,
    );
  }
  if (names.includes(asked)) return asked;
  throw new StatusError('BadRequest', `container ${asked} is not valid for pod ${metadata.name}`);
}

const waitingWords: Record<string, string> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: 'trying and failing to pull image',
};

/** Refuses, as the kubelet does, when there is no run whose log could be read. Throws StatusError 400. */
function checkHasLog({ metadata, status }: Pod, container: string, previous: boolean): void {
  const about = `container "${container}" in pod "${metadata.name}"`;
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const found = statuses.find(({ name }) => name === container);
  if (found === undefined) throw new StatusError('BadRequest', `${about} is not available`);
  const last = found.lastState?.terminated;
  if (previous) {
    if (last === undefined) throw new StatusError('BadRequest', `previous terminated ${about} not found`);
    return;
  }
  const { running, terminated, waiting } = found.state ?? {};
  if (running !== undefined || terminated !== undefined || last !== undefined) return;
  const reason = waiting?.reason;
  if (reason === undefined) throw new StatusError('BadRequest', `${about} is waiting to start - no logs yet`);
  throw new StatusError(
    'BadRequest',
    `${about} is waiting to start: ${findOwn(waitingWords, reason) ?? reason}`,
  );
}

async function pour(
  log: AsyncIterable<Buffer>,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const chunk of log) {
      // Waiting for the reader keeps a slow one from filling our memory.
      if (!response.write(chunk)) await once(response, 'drain', { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  response.end();
}

/** GET of pods/log. */
export function createPodLogHandler(options: {
  registry: ApiRegistry;
  readLog: ReadLog;
}): (call: Call, namespace: string, name: string) => Answer | Stream {
  return (call, namespace, name) => {
    if (call.method !== 'GET') throw methodNotAllowed();
    negotiate(call.headers.accept, [], ['text/plain']);
    const logOptions = parseLogOptions(call.query, name);
    const pod = options.registry.find('pods', namespace, name);
    if (pod === undefined) throw notFound(resources.pods, name);
    const container = chooseContainer(pod, call.query.get('container') ?? '');
    if (pod.spec.nodeName === undefined) return { status: 204, body: '', form: 'text' };
    checkHasLog(pod, container, logOptions.previous);
    return {
      async stream(response) {
        response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' });
        response.flushHeaders();
        await pour(options.readLog(pod, container, logOptions, call.signal), response, call.signal);
      },
    };
  };
}
