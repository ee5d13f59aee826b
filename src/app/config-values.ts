import { z } from 'zod';

/** Numbers and addresses as variables of the environment have them. */

/** Of nine digits at most. */
export function wholeNumber(least: number, most = 999_999_999) {
  const error = `must be a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, { error })
    .transform(Number)
    .refine((number) => number >= least && number <= most, { error });
}

export const positive = wholeNumber(1);

export const port = wholeNumber(0, 65_535);

export const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL', abort: true })
  .refine((url) => !/[?#]/.test(url), { error: 'must have neither a query ("?") nor a fragment ("#")' })
  .refine((url) => !hasLogin(url), { error: 'must hold no user and no password' });

function hasLogin(url: string): boolean {
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
}
