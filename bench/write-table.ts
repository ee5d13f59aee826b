/** `npm run bench:table -- FIGURES.json`: puts the figures of a run into docs/performance.md, so that no number there is written by hand. */
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { toMarkdown } from './figure-table.ts';

const figuresSchema = z.array(
  z.strictObject({
    name: z.string(),
    unit: z.string(),
    ours: z.number(),
    baseline: z.number().nullable(),
    ratio: z.number().nullable(),
    spread: z.object({ low: z.number(), high: z.number() }),
    goal: z
      .union([
        z.strictObject({ of: z.enum(['ours', 'ratio']), atLeast: z.number() }),
        z.strictObject({ of: z.enum(['ours', 'ratio']), atMost: z.number() }),
      ])
      .nullable(),
    met: z.boolean().nullable(),
  }),
);

const page = 'docs/performance.md';
const place = /(?<=<!-- figures -->\n).*?(?=\n<!-- end of figures -->)/s;
const [file = ''] = process.argv.slice(2);
const table = toMarkdown(figuresSchema.parse(JSON.parse(readFileSync(file, 'utf8'))));
const text = readFileSync(page, 'utf8');
if (!place.test(text)) throw new Error(`${page} has no place for figures`);
writeFileSync(
  page,
  text.replace(place, () => `\n${table}\n`),
);
