import { z } from 'zod';

/** Numbers as variables of the environment have them. */

export const wholeNumber = z
  .string()
  .regex(/^\d{1,9}$/, { error: 'must be a whole number' })
  .transform(Number);

export const positive = wholeNumber.pipe(z.number().min(1, { error: 'must be at least 1' }));

export const port = wholeNumber.pipe(z.number().max(65535, { error: 'must be at most 65535' }));
