/**
 * Who may what. Each request is identified before its body is read, and admitted after its input was found to be in order (the order of
 * checks is 413, 400, 401, 404, 409): so an error page knows from the beginning whether it may show more than the error.
 *
 * What a request shows is looked up every time, never remembered: a token that is revoked, by this process or by the command line beside
 * it, opens nothing from that moment on.
 */
import type { Request, RequestHandler, Response } from 'express';
import { needsRole, suffices } from '../core/access.ts';
import type { Caller } from '../core/access.ts';
import { AppError } from '../core/app-error.ts';
import { bearerOf } from '../handlers/bearer.ts';
import type { Route } from '../handlers/route.ts';
import type { SessionCookie } from '../handlers/session-cookie.ts';
import type { Store } from '../store/store.ts';
import type { Holder } from '../store/tokens.ts';
import type { Auth } from './auth-config.ts';
import { addressOf } from './client-address.ts';
import type { FindPerson } from './oidc.ts';
import { createRefusals } from './refusals.ts';

/** How soon a stream notices that its reader may read no more. */
const usualRecheckMs = 30_000;

type Identity = Pick<Caller, 'name' | 'role'> & {
  /** Notes the use of what was shown, where that is due. */
  noteUse?: () => void;
  hasSession?: boolean;
  /** Why nobody can tell who it is; what is open to all is so all the same. */
  doubt?: AppError;
};
type Asked = Pick<Route, 'method' | 'path' | 'needs' | 'isLasting' | 'dependsOnCaller'>;

const stranger: Identity = { name: null, role: null };

export type Access = ReturnType<typeof createAccess>;

export function createAccess({
  auth,
  store,
  cookie,
  findPerson,
  recheckMs = usualRecheckMs,
}: {
  auth: Pick<Auth, 'kind'>;
  store: Pick<
    Store,
    'findToken' | 'noteTokenUse' | 'findSession' | 'noteSessionUse' | 'noteAction' | 'groupCommit'
  >;
  cookie: SessionCookie;
  /** By an ID token; undefined where no issuer is configured. */
  findPerson?: FindPerson | undefined;
  recheckMs?: number;
}) {
  const noteRefusal = createRefusals({ store });
  const callers = new WeakMap<Request, { caller: Caller; doubt: AppError | undefined }>();

  /** A bearer token is meant; a cookie comes along with everything, and counts where there is none. */
  async function find(req: Request): Promise<Identity> {
    if (auth.kind === 'none') return { name: null, role: 'admin' };
    const secret = bearerOf(req);
    return (secret === undefined ? findBySession(req) : await findByToken(secret)) ?? stranger;
  }

  async function findByToken(secret: string): Promise<Identity | undefined> {
    const token = store.findToken(secret);
    if (token !== undefined) return toIdentity(token, () => store.noteTokenUse(token.name));
    return findPerson?.(secret);
  }

  function findBySession(req: Request): Identity | undefined {
    const id = cookie.read(req);
    if (id === undefined) return undefined;
    const holder = store.findSession(id);
    return holder && { ...toIdentity(holder, () => store.noteSessionUse(id)), hasSession: true };
  }

  /** Where the disk takes nothing, the time of the last use stays as it was, and the next request tries again. */
  async function note(use: () => void): Promise<void> {
    try {
      await store.groupCommit(use);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }

  /** Refuses nobody yet, and asks no issuer about who makes no difference. */
  function identify({ needs, dependsOnCaller = needsRole(needs) }: Asked): RequestHandler {
    return async (req, res, next) => {
      const found = dependsOnCaller ? await find(req).catch(toDoubtful) : stranger;
      if (found.noteUse !== undefined) await note(found.noteUse);
      // An issuer may take its time, and who has gone away meanwhile cannot go away once more: whatever waits for that would wait for ever.
      if (res.closed) return;
      const { name, role, hasSession, doubt } = found;
      const caller = { name, role, address: addressOf(req) };
      callers.set(req, { caller, doubt });
      // For pages: whose they are, and which buttons would be of use.
      res.locals['caller'] = { name, mayOperate: suffices(caller, 'operator'), hasSession };
      next();
    };
  }

  function callerOf(req: Request) {
    const known = callers.get(req);
    if (known === undefined) throw new Error(`nobody has identified the caller of ${req.path}`);
    return known;
  }

  /** The caller. Rejects with AppError `unauthorized` for a stranger, `forbidden` where the role is too small. */
  async function admit(req: Request, res: Response, route: Asked): Promise<Caller> {
    const { caller, doubt } = callerOf(req);
    if (suffices(caller, route.needs)) {
      if (route.isLasting === true) recheck(req, res, route);
      return caller;
    }
    // Who shows nothing has not tried to get in: that is how a browser comes for the first time.
    if (bearerOf(req) !== undefined || caller.role !== null) {
      const target = `${route.method.toUpperCase()} ${route.path}`;
      await noteRefusal(caller, { action: 'access', target });
    }
    if (caller.role === null) {
      throw doubt ?? new AppError('unauthorized', 'This needs a valid token.');
    }
    throw new AppError('forbidden', `This needs the role ${route.needs}; ${caller.name} is ${caller.role}.`);
  }

  /** Breaks a lasting answer off when who reads it may do so no more. */
  function recheck(req: Request, res: Response, { needs }: Asked): void {
    if (res.closed) return;
    const look = async () => {
      const found = await find(req).catch(() => stranger);
      if (!suffices(found, needs)) res.destroy();
    };
    const timer = setInterval(() => void look(), recheckMs);
    res.once('close', () => clearInterval(timer));
  }

  return {
    identify,
    admit,
    /** Bounded, over all that is refused. */
    noteRefusal,
    /** Whether it will be, or would have been, admitted. */
    isAdmissible: (req: Request, { needs }: Asked): boolean => suffices(callerOf(req).caller, needs),
  };
}

function toIdentity({ name, role, isUseDue }: Holder, noteUse: () => void): Identity {
  return { name, role, ...(isUseDue ? { noteUse } : {}) };
}

function toDoubtful(error: unknown): Identity {
  if (error instanceof AppError) return { ...stranger, doubt: error };
  throw error;
}
