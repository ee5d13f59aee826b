import { toMarkdown, toShort, toWords } from './figure-table.ts';
import type { Figure } from './figures.ts';
import { toYearTable } from './year-model.ts';

/** What the README shows, in words: our side, and what stands beside it. */
const shown: Readonly<Record<string, readonly [ours: string, beside: string]>> = {
  accept: ['accepting a job, durable when answered', 'Express with the same schema, and no store'],
  report: ['taking in a report of a worker', 'Express with the same schema, and no store'],
  dispatch: ['creating Jobs in the cluster', 'a bare loop of the same requests'],
  mixed: ['accepting (p99), while jobs are created and reports come in', 'accepting alone'],
  'list/all@1M': ['a list of the API (p95), of 1,000,000 jobs', 'of 1,000 jobs'],
  'list/page@1M': ['the page with the list (p95), of 1,000,000 jobs', 'of 1,000 jobs'],
  'list/common@1M': ['a search (p95), in 1,000,000 jobs', 'in 1,000 jobs'],
  'watch/p99': ['from a report to its event in 1,000 browsers (p99)', 'Express that hands them on'],
  start: ['from `npm start` to ready', 'importing the same packages'],
  'start/live': ['the same with 5,000 Jobs in the cluster', ''],
  memory: ['memory, idle', 'importing the same packages'],
  local: ['a job that does nothing, on the local cluster', 'the same process, spawned'],
  log: ['following a long log', '`cat` through Express'],
};

/** The table of the README: a line for each of these that was measured, in this order. */
export function toReadmeTable(figures: readonly Figure[]): string {
  const lines = Object.entries(shown).flatMap(([name, [ours, beside]]) => {
    const figure = figures.find((one) => one.name === name);
    return figure === undefined ? [] : [toLine(figure, { ours, beside })];
  });
  const head = ['', 'ours', 'beside it', 'ratio', 'goal'];
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function toLine(
  { ours, baseline, unit, ratio, goal }: Figure,
  words: { ours: string; beside: string },
): string[] {
  const beside = baseline === null ? '' : `${toShort(baseline)}: ${words.beside}`;
  return [
    words.ours,
    `${toShort(ours)} ${unit}`,
    beside,
    ratio === null ? '' : toShort(ratio),
    goal === null ? '' : toWords(goal),
  ];
}

/** A place between two marks with this word, and the table that stands there; undefined where nothing was measured for it. */
type Page = { file: string; mark: string; toTable: (figures: readonly Figure[]) => string | undefined };

export const pages: readonly Page[] = [
  { file: 'docs/performance.md', mark: 'figures', toTable: toMarkdown },
  { file: 'docs/performance.md', mark: 'a year', toTable: toYearTable },
  { file: 'README.md', mark: 'figures', toTable: toReadmeTable },
];

/** The text with the table in its place; as it is where there is no table. Throws where there is no such place. */
export function putTable(text: string, mark: string, table: string | undefined): string {
  const place = new RegExp(`(?<=<!-- ${mark} -->\\n).*?(?=\\n<!-- end of ${mark} -->)`, 's');
  if (!place.test(text)) throw new Error(`there is no place for ${mark}`);
  return table === undefined ? text : text.replace(place, () => `\n${table}\n`);
}
