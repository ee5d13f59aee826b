import { setImmediate as nextTurn } from 'node:timers/promises';

let last: Promise<unknown> = Promise.resolve();

/**
 * A turn of the event loop for each who asks, one after the other. Who reads much that is at hand, for a client that keeps up, is never
 * kept waiting, and would let nobody in before its end. Were a hundred of them to share a turn, that would still be a long one.
 */
export async function ownTurn(): Promise<void> {
  last = last.then(() => nextTurn());
  await last;
}
