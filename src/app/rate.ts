import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { AppError } from '../core/app-error.ts';

/** Counts one more for the key. Rejects with AppError `too-many-requests` when that is one too many. */
export type Rate = (key: string) => Promise<void>;

/** So many for each key in every window of so many seconds, which begins with the first of them. */
export function createRate({ most, seconds, what }: { most: number; seconds: number; what: string }): Rate {
  const limiter = new RateLimiterMemory({ points: most, duration: seconds });
  return async (key) => {
    try {
      await limiter.consume(key);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      throw new AppError('too-many-requests', `Too many ${what}; ${most} in ${seconds} s are allowed.`, {
        retryAfterSeconds: Math.max(1, Math.ceil(refusal.msBeforeNext / 1000)),
      });
    }
  };
}
