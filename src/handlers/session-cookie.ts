import type { Request, Response } from 'express';
import { longestSessionMs } from '../store/sessions.ts';

export type SessionCookie = ReturnType<typeof createSessionCookie>;

/**
 * The cookie that holds a session's id: never seen by scripts, and not sent with a request that another site made a browser send,
 * following a link apart. Over https its prefix makes browsers take it from this very host alone.
 */
export function createSessionCookie({ isHttps }: { isHttps: boolean }) {
  const name = isHttps ? '__Host-jobspawn' : 'jobspawn';
  const attributes = { path: '/', httpOnly: true, sameSite: 'lax', secure: isHttps } as const;
  const pattern = new RegExp(`(?:^|; *)${name}=([A-Za-z0-9_-]{43})(?:;|$)`);
  return {
    read: (req: Request): string | undefined => pattern.exec(req.headers.cookie ?? '')?.[1],
    set: (res: Response, id: string) => res.cookie(name, id, { ...attributes, maxAge: longestSessionMs }),
    clear: (res: Response) => res.clearCookie(name, attributes),
  };
}
