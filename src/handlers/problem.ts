import { z } from 'zod';
import { mostTold } from '../core/parse.ts';

/** An error answer, after RFC 9457: `application/problem+json`, with all faults of the input at once, up to a hundred. */
export const problemSchema = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string().describe("The status' own phrase"),
  status: z.int(),
  detail: z.string().describe('What is wrong, in a sentence'),
  errors: z
    .array(
      z.strictObject({
        pointer: z
          .string()
          .describe('A JSON Pointer into the body, `?parameter` of the query, or `header Name`'),
        detail: z.string(),
      }),
    )
    .max(mostTold)
    .optional()
    .describe('Where there are more, `detail` says how many'),
});
export type Problem = z.output<typeof problemSchema>;
