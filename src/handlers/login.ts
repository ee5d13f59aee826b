import type { Response } from 'express';
import { z } from 'zod';
import { AppError } from '../core/app-error.ts';
import type { Store } from '../store/store.ts';
import { emptyBody } from './job-api.ts';
import { toOwnPath } from './own-path.ts';
import { route } from './route.ts';
import type { Route } from './route.ts';
import type { SessionCookie } from './session-cookie.ts';

const page = { kind: 'page', tag: 'Pages', needs: 'nobody' } as const;
const next = z.string().max(2000).optional().describe('Where to go then: a path of ours');
const fieldsSchema = z.strictObject({ token: z.string().max(1000), next });
/** What is left of a refused form; the token itself is never shown again. */
const keptFields = z.object({ next }).catch({});

type Needs = {
  store: Pick<Store, 'findToken' | 'startSession' | 'endSession' | 'noteAction'>;
  cookie: SessionCookie;
  /** Counts a try from this address. Rejects with AppError `too-many-requests` when it is one too many. */
  rate: (address: string) => Promise<void>;
};

/** A browser comes in with a token, once, and is known by a session from then on. */
export function createLogin({ store, cookie, rate }: Needs): Route[] {
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
      problems: [400, 401, 403, 413, 415, 421, 429],
      showRefusal: ({ problem, fields, res }) => {
        show(res.status(problem.status), { ...keptFields.parse(fields), fault: problem.detail });
      },
      handle: async ({ req, res, body, caller }) => {
        await rate(caller.address ?? '');
        const token = store.findToken(body.token.trim());
        if (token === undefined) {
          store.noteAction({ by: caller, action: 'login', target: null, outcome: 'refused' });
          throw new AppError('unauthorized', 'This is no valid token.');
        }
        const before = cookie.read(req);
        if (before !== undefined) store.endSession(before, caller);
        cookie.set(res, store.startSession(token.name, caller));
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
      problems: [400, 403, 413, 415, 421],
      handle: ({ req, res, caller }) => {
        const id = cookie.read(req);
        if (id !== undefined) store.endSession(id, caller);
        cookie.clear(res);
        res.redirect(303, '/login');
      },
    }),
  ];
}

function show(res: Response, { next: to, fault }: { next?: string | undefined; fault: string | null }): void {
  res.render('login', { title: 'Log in', next: to ?? '', fault });
}
