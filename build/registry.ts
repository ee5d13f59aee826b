import { createHash } from 'node:crypto';

/** An image as a registry knows it. */
type Reference = { origin: string; repository: string; tag: string };

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

const patienceMs = 10_000;

/** Of `node:24`, `ghcr.io/acme/a:1`, `localhost:5000/a`; names without a registry are Docker Hub's, as docker has it. */
export function parseReference(image: string): Reference {
  const [, name = '', tag = 'latest'] = /^(.+?)(?::([\w.-]+))?$/.exec(image) ?? [];
  const [first = '', ...rest] = name.split('/');
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  const host = hasHost ? first : 'registry-1.docker.io';
  const path = hasHost ? rest.join('/') : name;
  const isHere = /^(localhost|127\.0\.0\.1)(:|$)/.test(host);
  return {
    origin: `${isHere ? 'http' : 'https'}://${host}`,
    repository: hasHost || path.includes('/') ? path : `library/${path}`,
    tag,
  };
}

/**
 * The digest that a tag stands for at this moment, by the registry's HTTP API, anonymously. It is computed from the manifest that was
 * read, never taken on trust. Rejects with an Error of one sentence.
 */
export async function readDigest(image: string): Promise<string> {
  const { origin, repository, tag } = parseReference(image);
  const url = `${origin}/v2/${repository}/manifests/${tag}`;
  const first = await ask(url, { Accept: manifestTypes });
  const answer =
    first.status === 401
      ? await ask(url, {
          Accept: manifestTypes,
          Authorization: `Bearer ${await readToken(first, repository)}`,
        })
      : first;
  if (!answer.ok) throw new Error(`${origin} answered ${answer.status}`);

  const digest = `sha256:${createHash('sha256')
    .update(await answer.bytes())
    .digest('hex')}`;
  const claimed = answer.headers.get('Docker-Content-Digest');
  if (claimed !== null && claimed !== digest) {
    throw new Error(`${origin} says ${claimed}, but what it sent is ${digest}`);
  }
  return digest;
}

/** The anonymous token that a registry asks for, from the place that it names. */
async function readToken(challenge: Response, repository: string): Promise<string> {
  const header = challenge.headers.get('WWW-Authenticate') ?? '';
  const named = new Map(
    [...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  );
  const realm = named.get('realm');
  if (!/^bearer /i.test(header) || realm === undefined) throw new Error('the registry asks for a password');
  const url = new URL(realm);
  const service = named.get('service');
  if (service !== undefined) url.searchParams.set('service', service);
  url.searchParams.set('scope', named.get('scope') ?? `repository:${repository}:pull`);
  const answer = await ask(url.href, {});
  if (!answer.ok) throw new Error(`${url.origin} gave no token: ${answer.status}`);
  const body: unknown = await answer.json();
  const token = [field(body, 'token'), field(body, 'access_token')].find(
    (value) => typeof value === 'string',
  );
  if (token === undefined) throw new Error(`${url.origin} gave no token`);
  return token;
}

async function ask(url: string, headers: Record<string, string>): Promise<Response> {
  try {
    return await fetch(url, { headers, signal: AbortSignal.timeout(patienceMs) });
  } catch (error) {
    throw new Error(`${new URL(url).origin} cannot be reached`, { cause: error });
  }
}

function field(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
}
