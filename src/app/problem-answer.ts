import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { AppError } from '../core/app-error.ts';
import type { ErrorCode } from '../core/app-error.ts';
import { longestNext } from '../handlers/login.ts';
import type { Problem } from '../handlers/problem.ts';
import type { Route } from '../handlers/route.ts';

/** The one table from what went wrong to the status that says so. */
const statuses: Record<ErrorCode, number> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  'unsupported-media-type': 415,
  misdirected: 421,
  'too-many-requests': 429,
  unavailable: 503,
};

/** What Express and its body parsers throw: their `message` is for people when `expose` says so. */
const httpErrorSchema = z.object({
  status: z.int().min(400).max(499),
  message: z.string(),
  type: z.string().optional(),
  limit: z.number().optional(),
});

/** The answer to any error; anything unforeseen is a 500 that tells nothing of our insides. */
function toProblem(error: unknown): Problem {
  if (error instanceof AppError) {
    const errors = error.faults.length === 0 ? {} : { errors: [...error.faults] };
    return { ...problemOf(statuses[error.code], error.message), ...errors };
  }
  const parsed = httpErrorSchema.safeParse(error);
  if (!parsed.success) return problemOf(500, 'Something went wrong here; the log knows more.');
  return problemOf(parsed.data.status, sentenceOf(parsed.data));
}

function sentenceOf({ type, message, limit }: z.output<typeof httpErrorSchema>): string {
  if (type === 'entity.too.large') return `The body is longer than ${limit ?? 0} bytes.`;
  if (type === 'entity.parse.failed') return `The body is not valid JSON: ${message}.`;
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
}

function problemOf(status: number, detail: string): Problem {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail };
}

/** A path that nothing serves. */
export const answerUnknownPath: RequestHandler = () => {
  throw new AppError('not-found', 'There is nothing here.');
};

/** A path that we know, with a method that it does not have. */
export function refuseMethod(routes: readonly Route[]): RequestHandler {
  const methods = new Set(routes.flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : ['POST'])));
  const allow = [...methods, 'OPTIONS'].join(', ');
  return (req, res) => {
    res.set('Allow', allow);
    if (req.method === 'OPTIONS') res.status(204).end();
    else
      sendProblem(
        req,
        res,
        problemOf(405, `${req.method} is not possible here, but ${allow} are.`),
        routes[0],
      );
  };
}

/** A route's own way to show a refusal, then `sendProblem` for all the rest. */
export function answerErrors({
  log,
  route,
  isAdmissible = () => false,
}: {
  log: Logger;
  route?: Route;
  /** What a route shows beside the problem is not for strangers, whose faults are told as well. */
  isAdmissible?: (req: Request) => boolean;
}): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    const problem = toProblem(error);
    if (error instanceof AppError && error.retryAfterSeconds !== null && !res.headersSent)
      res.set('Retry-After', String(error.retryAfterSeconds));
    if (problem.status >= 500) {
      const level = error instanceof AppError ? 'warn' : 'error';
      log[level]({ err: error, method: req.method, path: req.path }, 'request failed');
    }
    // Half an answer cannot be taken back: an aborted connection is the only way left to say that it is not whole.
    if (res.headersSent) res.destroy();
    else if (
      route?.showRefusal !== undefined &&
      problem.status !== 500 &&
      prefersHtml(req, route) &&
      isAdmissible(req)
    ) {
      const fields: unknown = req.body;
      try {
        route.showRefusal({ problem, fields, res });
      } catch (failure) {
        next(failure);
      }
    } else sendProblem(req, res, problem, route);
  };
}

function sendProblem(req: Request, res: Response, problem: Problem, route: Route | undefined): void {
  if (problem.status === 401) {
    // Who wanted to see a page is asked to log in, and comes back to it.
    if (route?.kind === 'page' && req.method === 'GET' && prefersHtml(req, route)) {
      const { originalUrl: asked } = req;
      return res.redirect(
        303,
        asked.length > longestNext ? '/login' : `/login?next=${encodeURIComponent(asked)}`,
      );
    }
    res.set('WWW-Authenticate', 'Bearer');
  }
  res.status(problem.status);
  if (prefersHtml(req, route)) res.render('problem', { title: problem.title, problem });
  else res.type('application/problem+json').send(JSON.stringify(problem));
}

/** Pages answer in HTML unless that is refused, the API never does, and elsewhere it is as the client prefers. */
function prefersHtml(req: Request, route: Route | undefined): boolean {
  if (route?.kind === 'api' || req.path.startsWith('/api/')) return false;
  return req.accepts(route?.kind === 'page' ? ['html', 'json'] : ['json', 'html']) === 'html';
}
