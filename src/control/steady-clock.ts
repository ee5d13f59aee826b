import { uptime } from 'node:os';

/**
 * A clock that agrees with the given one now, and from then on only goes on: nobody can put it forward or back. What loops measure
 * is how long ago something was, and there a jump by hours would make a create that is a second old look older than its TTL (a job
 * lost of which nothing is known), a finished Job's create repeatable (a second run), and a pause of a second last for hours.
 *
 * Counted by the machine's uptime: unlike `performance.now()` it goes on while the machine sleeps, as the cluster's TTL does.
 */
export function createSteadyClock(clock: () => Date, elapsedSeconds: () => number = uptime): () => Date {
  const begin = clock().getTime() - elapsedSeconds() * 1000;
  return () => new Date(begin + elapsedSeconds() * 1000);
}
