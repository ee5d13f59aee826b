import { createHash } from 'node:crypto';
import type { RequestHandler } from 'express';
import { bearerOf } from '../handlers/bearer.ts';
import type { SessionCookie } from '../handlers/session-cookie.ts';
import { addressOf } from './client-address.ts';
import { createRate } from './rate.ts';

/** Long enough that a page with all its files, or a script in a hurry, is no flood. */
const windowSeconds = 10;

/**
 * Refuses what comes too often with 429, before anything else is done for it: from one address, and with one credential, wherever
 * that comes from. A credential counts, valid or not, however it is spelled; who makes up ever new ones is held by the address.
 */
export function floodGuard({
  requestsPerSecond,
  exempt,
  cookie,
}: {
  /** undefined: no bound. */
  requestsPerSecond: number | undefined;
  /** Paths of the kubelet's probes: it may share its address with pods, and a refused probe would end ours. */
  exempt: ReadonlySet<string>;
  cookie: Pick<SessionCookie, 'read'>;
}): RequestHandler {
  if (requestsPerSecond === undefined) return (_req, _res, next) => next();
  const limit = { most: requestsPerSecond * windowSeconds, seconds: windowSeconds };
  const byAddress = createRate({ ...limit, what: 'requests from this address' });
  const byCredential = createRate({ ...limit, what: 'requests with this credential' });
  return async (req, _res, next) => {
    if (!exempt.has(req.path)) {
      await byAddress(addressOf(req));
      const credential = bearerOf(req) ?? cookie.read(req);
      if (credential !== undefined) await byCredential(toKey(credential));
    }
    next();
  };
}

/** Nothing that opens a door is kept in memory for longer than its request. */
function toKey(credential: string): string {
  return createHash('sha256').update(credential).digest('base64');
}
