import type { Response } from 'express';
import { z } from 'zod';
import type { Caller } from '../core/access.ts';
import { AppError } from '../core/app-error.ts';
import type { Store } from '../store/store.ts';
import { emptyBody } from './job-api.ts';
import { toOwnPath } from './own-path.ts';
import { route } from './route.ts';
import type { Route } from './route.ts';
import type { SessionCookie } from './session-cookie.ts';

const page = { kind: 'page', tag: 'Pages', needs: 'nobody' } as const;
/** Of a page to come back to; longer ones are not worth a refusal of the login. */
export const longestNext = 2000;
const next = z.string().max(longestNext).optional().describe('Where to go then: a path of ours');
const fieldsSchema = z.strictObject({ token: z.string().max(1000), next });
/** What is left of a refused form; the token itself is never shown again. */
const keptFields = z.object({ next }).catch({});

type Needs = {
  store: Pick<Store, 'findToken' | 'startSession' | 'endSession' | 'groupCommit'>;
  cookie: SessionCookie;
  /** Counts a wrong token from this address. Rejects with AppError `too-many-requests` when it is one too many. */
  rate: (address: string) => Promise<void>;
  noteRefusal: (by: Caller, refused: { action: 'login'; target: null }) => Promise<void>;
};

/** A browser comes in with a token, once, and is known by a session from then on. */
export function createLogin({ store, cookie, rate, noteRefusal }: Needs): Route[] {
  return [
    route({
      ...page,
      method: 'get',
      path: '/login',
      dependsOnCaller: true,
      summary: 'A form to log in with a token',
      query: z.strictObject({ next }),
      answers: {
        200: { description: 'The page', mediaType: 'text/html' },
        302: { description: 'Logged in already' },
      },
      problems: [400, 421],
      handle: ({ res, query, caller }) => {
        if (caller.role !== null) res.redirect(toOwnPath(query.next));
        else show(res, { next: query.next, fault: null });
      },
    }),
    route({
      ...page,
      method: 'post',
      path: '/login',
      dependsOnCaller: true,
      summary: 'Log in',
      body: { types: ['form'], schema: fieldsSchema, limit: 8 * 1024 },
      answers: { 303: { description: 'To where one wanted to go' } },
      problems: [400, 401, 403, 413, 415, 421, 503],
      showRefusal: ({ problem, fields, res }) => {
        show(res.status(problem.status), { ...keptFields.parse(fields), fault: problem.detail });
      },
      handle: async ({ req, res, body, caller }) => {
        const token = store.findToken(body.token.trim());
        if (token === undefined) {
          // Who has a right one is not held up by whoever shares the address: it has too many bits to be found by trying.
          await rate(caller.address ?? '');
          await noteRefusal(caller, { action: 'login', target: null });
          throw new AppError('unauthorized', 'This is no valid token.');
        }
        const before = cookie.read(req);
        const id = await store.groupCommit(() => {
          if (before !== undefined) store.endSession(before, caller);
          return store.startSession(token.name, caller);
        });
        cookie.set(res, id);
        res.redirect(303, toOwnPath(body.next));
      },
    }),
    route({
      ...page,
      method: 'post',
      path: '/logout',
      summary: 'Log out',
      body: emptyBody,
      answers: { 303: { description: 'To the login page' } },
      problems: [400, 403, 413, 415, 421, 503],
      handle: async ({ req, res, caller }) => {
        const id = cookie.read(req);
        if (id !== undefined) await store.groupCommit(() => store.endSession(id, caller));
        cookie.clear(res);
        res.redirect(303, '/login');
      },
    }),
  ];
}

function show(res: Response, { next: to, fault }: { next?: string | undefined; fault: string | null }): void {
  res.render('login', { title: 'Log in', next: to ?? '', fault });
}
