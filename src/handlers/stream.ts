import { once } from 'node:events';
import type { Request, Response } from 'express';

/**
 * Takes one of the places for streams until the answer is over, and puts the patience of streams in the place of the server's own, which
 * is for answers that end. Throws AppError when there is no place left. Asked after admission: a stranger must not hold one.
 */
export type TakeStream = (req: Request, res: Response) => void;

/** Ends when the client goes away or the service stops, whichever comes first. */
export function signalOf(res: Response, closing: AbortSignal): AbortSignal {
  const gone = new AbortController();
  if (res.closed) gone.abort();
  else res.once('close', () => gone.abort());
  return AbortSignal.any([gone.signal, closing]);
}

/** A reader that takes nothing for so long is gone, or wants to do harm. */
const longestStallMs = 30_000;

type Outlet = { req: Request; res: Response; signal: AbortSignal; whole?: boolean; stallMs?: number };

/** Sends a chunk. Where there is something to wait for, the client is slow, and the next chunk must wait too. */
type Send = (chunk: string | Buffer) => Promise<void> | undefined;

/**
 * Sends what the source gives, and takes no more from it than the client takes from us: a slow reader costs one chunk, and one
 * that has stalled is dropped. HEAD gets the headers alone. Where the end of the stream says that this is `whole`, a stream that
 * the signal cuts short is broken off, so that nobody takes a part for it.
 */
export function pour(source: AsyncIterable<string | Buffer>, outlet: Outlet): Promise<void> {
  return fill(outlet, async (send) => {
    for await (const chunk of source) await send(chunk);
  });
}

/** The same for a source that writes by itself. */
export async function fill(
  { req, res, signal, whole = false, stallMs = longestStallMs }: Outlet,
  write: (send: Send) => Promise<void>,
): Promise<void> {
  if (req.method === 'HEAD') {
    res.end();
    return;
  }
  try {
    await write((chunk) => (res.write(chunk) ? undefined : drained(res, signal, stallMs)));
  } catch (error) {
    if (error instanceof StalledReader) return void res.destroy();
    if (!signal.aborted) throw error;
  }
  if (whole && signal.aborted) res.destroy();
  else res.end();
}

class StalledReader extends Error {}

async function drained(res: Response, signal: AbortSignal, stallMs: number): Promise<void> {
  const patience = AbortSignal.timeout(stallMs);
  try {
    await once(res, 'drain', { signal: AbortSignal.any([signal, patience]) });
  } catch (error) {
    throw patience.aborted && !signal.aborted ? new StalledReader() : error;
  }
}
