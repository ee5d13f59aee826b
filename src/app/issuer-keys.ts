import { createRemoteJWKSet, customFetch, errors } from 'jose';
import type { JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { AppError } from '../core/app-error.ts';
import { isTrustworthyUrl } from './oidc-config.ts';

const patienceMs = 5000;
/** An issuer that did not answer is left alone for so long, however many tokens come meanwhile. */
const failureRestMs = 10_000;

type Options = {
  issuer: string;
  clock: () => Date;
  /** How long a key that is not known waits at least before the set is fetched again: made-up key ids must not make us hammer the issuer. */
  cooldownMs?: number;
};

/**
 * The public keys of an issuer, from the place that its own discovery document names, asked when the first token comes, kept for ten
 * minutes, and fetched again when a token names a key that is new. Rejects with AppError `unavailable` when the issuer cannot be asked.
 */
export function createIssuerKeys({ issuer, clock, cooldownMs = 30_000 }: Options): JWTVerifyGetKey {
  const documentSchema = z.object({
    issuer: z.literal(issuer),
    jwks_uri: z.string().refine(isTrustworthyUrl),
  });
  let discovery: Promise<JWTVerifyGetKey> | undefined;
  let restsUntil = 0;

  /** Keys that are here already go on to be found while the issuer is left alone. */
  async function fetchPatiently(url: string, options: RequestInit): Promise<Response> {
    if (clock().getTime() < restsUntil) throw new Error('the issuer has just failed');
    try {
      const answer = await fetch(url, options);
      if (answer.ok) return answer;
      throw new Error(`${url} is answered with ${answer.status}`);
    } catch (error) {
      restsUntil = clock().getTime() + failureRestMs;
      throw error;
    }
  }

  async function discover(): Promise<JWTVerifyGetKey> {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const signal = AbortSignal.timeout(patienceMs);
    const answer = await fetchPatiently(url, { redirect: 'error', signal });
    const { jwks_uri } = documentSchema.parse(await answer.json());
    return createRemoteJWKSet(new URL(jwks_uri), {
      timeoutDuration: patienceMs,
      cooldownDuration: cooldownMs,
      [customFetch]: fetchPatiently,
    });
  }

  async function discoverOnce(): Promise<JWTVerifyGetKey> {
    discovery ??= discover();
    try {
      return await discovery;
    } catch (error) {
      discovery = undefined;
      throw error;
    }
  }

  return async (header, token) => {
    try {
      const findKey = await discoverOnce();
      return await findKey(header, token);
    } catch (error) {
      if (isAboutTheToken(error)) throw error;
      throw new AppError(
        'unavailable',
        'The issuer of this token cannot be asked for its keys at the moment.',
        {
          cause: error,
          retryAfterSeconds: failureRestMs / 1000,
        },
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
