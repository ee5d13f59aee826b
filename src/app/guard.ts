import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { AppError } from '../core/app-error.ts';

const loopback = ['127.0.0.1', 'localhost', '[::1]'];

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses what a page of another site could make a browser send. A foreign `Host` is 421: by DNS rebinding such a page
 * would count as ours. An unsafe request from elsewhere is 403: browsers say where it came from, and what says nothing
 * at all is no browser. So forms need no token, and curl just works.
 */
export function guard({
  ownHost,
  allowedHosts,
  exempt,
}: {
  /** Where we listen, as it stands in a URL. */
  ownHost: string;
  /** As they stand in `Host`, beside the loopback names and the own one. */
  allowedHosts: readonly string[];
  /** Paths that no browser calls: probes and workers come under other names, and show a token where one matters. */
  exempt: ReadonlySet<string>;
}): RequestHandler {
  // With any port: a forwarded one is ours as well, and no other site goes by these names.
  const names = new Set([...loopback, ownHost]);
  const hosts = new Set(allowedHosts.map((host) => host.toLowerCase()));
  return (req: Request, _res: Response, next: NextFunction) => {
    if (exempt.has(req.path)) return next();
    const host = req.headers.host?.toLowerCase() ?? '';
    if (!hosts.has(host) && !names.has(host.replace(/:\d+$/, ''))) {
      throw new AppError('misdirected', 'This host name is not one of ours; ALLOWED_HOSTS can name it.');
    }
    if (!safeMethods.has(req.method) && !isSameOrigin(req, host)) {
      throw new AppError('forbidden', 'A page of another site may not do this.');
    }
    return next();
  };
}

function isSameOrigin(req: Request, host: string): boolean {
  const site = req.get('Sec-Fetch-Site');
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const origin = req.get('Origin')?.toLowerCase();
  // Both schemes: behind a proxy that ends TLS we do not see which one the browser used.
  return origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
}
