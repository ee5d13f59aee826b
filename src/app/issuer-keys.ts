import { createLocalJWKSet, createRemoteJWKSet, customFetch, errors } from 'jose';
import type { JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { AppError } from '../core/app-error.ts';
import { isTrustworthyUrl } from './oidc-config.ts';

const patienceMs = 5000;
/** Where an issuer did not answer it is left alone for so long, however many tokens come meanwhile. */
const failureRestMs = 10_000;
/** How long its keys count while it cannot be asked: an outage ends by then, and a key that was withdrawn must end at some time. */
const longestKeptMs = 24 * 60 * 60 * 1000;

type Options = {
  issuer: string;
  clock: () => Date;
  /** How long a key that is not known waits at least before the set is fetched again: made-up key ids must not make us hammer the issuer. */
  cooldownMs?: number;
  /** After so long the keys, and the document that says where they are, are fetched again. */
  freshMs?: number;
};

type Keys = ReturnType<typeof createRemoteJWKSet>;

/**
 * The public keys of an issuer, from the place that its own discovery document names, asked when the first token comes, kept for ten
 * minutes, and fetched again when a token names a key that is new. While the issuer cannot be asked, the keys that it had go on to count
 * for a day. Rejects with AppError `unavailable` when they are not enough to tell.
 */
export function createIssuerKeys({
  issuer,
  clock,
  cooldownMs = 30_000,
  freshMs = 10 * 60 * 1000,
}: Options): JWTVerifyGetKey {
  const documentSchema = z.object({
    issuer: z.literal(issuer),
    jwks_uri: z.string().refine(isTrustworthyUrl),
  });
  /** Where the keys are, as the document said last. */
  let place: { uri: string; keys: Keys; readAt: number } | undefined;
  let reading: Promise<void> | undefined;
  /** The last ones that were of use, though their place may have failed or moved since. */
  let kept: { keys: Keys; until: number } | undefined;
  /** By address: that the document cannot be read says nothing of the keys. */
  const restsUntil = new Map<string, number>();

  const now = () => clock().getTime();

  /** Keys that are here already go on to be found while the issuer is left alone. */
  async function fetchPatiently(url: string, options: RequestInit): Promise<Response> {
    if (now() < (restsUntil.get(url) ?? 0)) throw new Error('the issuer has just failed');
    try {
      const answer = await fetch(url, options);
      if (answer.ok) return answer;
      throw new Error(`${url} is answered with ${answer.status}`);
    } catch (error) {
      restsUntil.set(url, now() + failureRestMs);
      throw error;
    }
  }

  async function readDocument(): Promise<void> {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const signal = AbortSignal.timeout(patienceMs);
    const answer = await fetchPatiently(url, { redirect: 'error', signal });
    const { jwks_uri: uri } = documentSchema.parse(await answer.json());
    place = { uri, keys: place?.uri === uri ? place.keys : createKeys(uri), readAt: now() };
  }

  function createKeys(uri: string): Keys {
    return createRemoteJWKSet(new URL(uri), {
      timeoutDuration: patienceMs,
      cooldownDuration: cooldownMs,
      cacheMaxAge: freshMs,
      [customFetch]: fetchPatiently,
    });
  }

  async function findKeys(): Promise<Keys> {
    if (place !== undefined && now() < place.readAt + freshMs) return place.keys;
    reading ??= readDocument().finally(() => (reading = undefined));
    const failure = await reading.catch((error: unknown) => error);
    // Where it could not be read again, the keys are most likely still where they were.
    if (place === undefined) throw failure;
    return place.keys;
  }

  /** Throws as `findKeys` does, or what the set has against the token. */
  async function ask(...[header, token]: Parameters<JWTVerifyGetKey>) {
    const keys = await findKeys();
    const key = await keys(header, token);
    kept = { keys, until: now() + longestKeptMs };
    return key;
  }

  return async (header, token) => {
    try {
      return await ask(header, token);
    } catch (error) {
      if (isAboutTheToken(error)) throw error;
      const set = kept !== undefined && now() < kept.until ? kept.keys.jwks() : undefined;
      // A key that is not among them may be a new one, so nobody can say that it is wrong.
      const key = set && (await createLocalJWKSet(set)(header, token).catch(() => undefined));
      if (key !== undefined) return key;
      throw new AppError(
        'unavailable',
        'The issuer of this token cannot be asked for its keys at the moment.',
        { cause: error, retryAfterSeconds: failureRestMs / 1000 },
      );
    }
  };
}

/** No such key, or none for this algorithm; all else is the issuer's own trouble. */
function isAboutTheToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}
