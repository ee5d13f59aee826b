import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { AppError } from '../core/app-error.ts';

const stopPatienceMs = 3000;

/** How long a client may take over what; a real one needs a fraction of it. */
export type Patience = {
  /** For the head of a request, and for the first byte of a new connection. */
  headersMs: number;
  /** For a whole request, its body included. */
  requestMs: number;
  /** For anything to move while an answer is read; streams have their own. */
  answerMs: number;
  /** For the next request on an idle connection. */
  keepAliveMs: number;
  /** How often heads and bodies are looked after. */
  checkMs: number;
};

const usualPatience: Patience = {
  headersMs: 15_000,
  requestMs: 60_000,
  answerMs: 120_000,
  keepAliveMs: 75_000,
  checkMs: 5000,
};

export type Listener = { port: number; close(): Promise<void> };

/** Serves on host and port (0: any free one). Throws AppError `unavailable` with one sentence when it may not. */
export async function listen(
  handler: RequestListener,
  { host, port, patience }: { host: string; port: number; patience?: Partial<Patience> },
): Promise<Listener> {
  const { headersMs, requestMs, answerMs, keepAliveMs, checkMs } = { ...usualPatience, ...patience };
  const server = createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: checkMs,
    },
    handler,
  );
  server.setTimeout(answerMs);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(toAppError(error, host, port)));
    server.listen(port, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { port: address.port, close: () => close(server) };
}

/** What is under way may end; a client that sends or reads no more must not hold up the stop. */
async function close(server: Server): Promise<void> {
  const impatience = setTimeout(() => server.closeAllConnections(), stopPatienceMs);
  try {
    await new Promise<void>((resolve, reject) => {
      server.close((error) => (error === undefined ? resolve() : reject(error)));
      server.closeIdleConnections();
    });
  } finally {
    clearTimeout(impatience);
  }
}

const causes: Record<string, string> = {
  EADDRINUSE: 'another program uses it',
  EACCES: 'this user may not',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'no such host is known',
};

function toAppError(error: NodeJS.ErrnoException, host: string, port: number): AppError {
  const cause = causes[error.code ?? ''] ?? error.message;
  return new AppError('unavailable', `Cannot listen on ${host}:${port}: ${cause}.`, { cause: error });
}
