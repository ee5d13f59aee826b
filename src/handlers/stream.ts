import { once } from 'node:events';
import type { Request, Response } from 'express';

/** Ends when the client goes away or the service stops, whichever comes first. */
export function signalOf(res: Response, closing: AbortSignal): AbortSignal {
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  return AbortSignal.any([gone.signal, closing]);
}

/**
 * Sends what the source gives, and takes no more from it than the client takes from us: a slow reader costs one chunk.
 * HEAD gets the headers alone.
 */
export async function pour(
  source: AsyncIterable<string | Buffer>,
  { req, res, signal }: { req: Request; res: Response; signal: AbortSignal },
): Promise<void> {
  if (req.method === 'HEAD') {
    res.end();
    return;
  }
  try {
    for await (const chunk of source) {
      if (!res.write(chunk)) await once(res, 'drain', { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  res.end();
}
