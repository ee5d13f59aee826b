/**
 * `npm run bench:table -- FIGURES.json`: puts the figures of a run into docs/performance.md and the README, and keeps them for the floors of
 * the short run, so that no number there is written by hand.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pages, putTable } from './page-tables.ts';
import { readFigures, recordedFile } from './recorded-figures.ts';

const [given = ''] = process.argv.slice(2);
const figures = readFigures(given);
for (const { file, mark, toTable } of pages)
  writeFileSync(file, putTable(readFileSync(file, 'utf8'), mark, toTable(figures)));
writeFileSync(recordedFile, `${JSON.stringify(figures, null, 2)}\n`);
