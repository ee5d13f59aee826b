import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** The figures of the run that docs/performance.md and the README show, as `npm run bench:table` left them. */
export const recordedFile = 'bench/recorded-figures.json';

const bounds = z.union([
  z.strictObject({ of: z.enum(['ours', 'ratio']), atLeast: z.number() }),
  z.strictObject({ of: z.enum(['ours', 'ratio']), atMost: z.number() }),
]);

const figuresSchema = z.array(
  z.strictObject({
    name: z.string(),
    unit: z.string(),
    ours: z.number(),
    baseline: z.number().nullable(),
    ratio: z.number().nullable(),
    spread: z.object({ low: z.number(), high: z.number() }),
    goal: bounds.nullable(),
    met: z.boolean().nullable(),
  }),
);

/** What a run wrote with `--json`. Throws ZodError on anything else. */
export function readFigures(file: string) {
  return figuresSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
}

export const readRecorded = () => readFigures(recordedFile);
