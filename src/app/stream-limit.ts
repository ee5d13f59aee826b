import { AppError } from '../core/app-error.ts';
import type { TakeStream } from '../handlers/stream.ts';
import { addressOf } from './client-address.ts';

const retryAfterSeconds = 10;

/**
 * Bounds the answers that may last (event streams, logs), in total and for each address, since each holds a connection and memory for as
 * long as its reader likes. The streams themselves drop a reader that has stalled; one that is only silent may stay.
 */
export function createStreamLimit({
  streams,
  streamsPerAddress,
}: {
  streams: number;
  streamsPerAddress: number;
}): TakeStream {
  const open = new Map<string, number>();
  let total = 0;

  return (req, res) => {
    // It would never be given back.
    if (res.closed) return;
    const address = addressOf(req);
    const own = open.get(address) ?? 0;
    if (own >= streamsPerAddress)
      throw new AppError('too-many-requests', `This address has ${own} streams open, which is the most.`, {
        retryAfterSeconds,
      });
    if (total >= streams)
      throw new AppError('unavailable', 'Too many streams are open.', { retryAfterSeconds });
    total += 1;
    open.set(address, own + 1);
    res.once('close', () => {
      total -= 1;
      const left = (open.get(address) ?? 0) - 1;
      if (left > 0) open.set(address, left);
      else open.delete(address);
    });
    // The server's own patience is for answers that end.
    res.setTimeout(0);
  };
}
