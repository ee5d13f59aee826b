import { parseConfig } from '../src/app/config.ts';
import type { Figure } from './figures.ts';

/** Jobs a second, all year. */
const rates = [10, 100, 1000];
const secondsOfDay = 86_400;
const daysOfYear = 365;
/** Requests that one single-pod Job takes of the controller manager, which makes so many a second unless told otherwise. */
const controller = { requestsOfJob: 8, perSecond: 20 };

/** What so many jobs a second come to, from the figures `cost/...` of one; undefined where these were not measured. */
export function toYearTable(figures: readonly Figure[]): string | undefined {
  if (!figures.some(({ name }) => name === 'cost/cpu')) return undefined;
  const cost = (name: string): number => {
    const figure = figures.find((one) => one.name === `cost/${name}`);
    if (figure === undefined) throw new Error(`cost/${name} was not measured`);
    return figure.ours;
  };
  const { keep } = parseConfig({ CLUSTER: 'local' });

  function toColumn(rate: number): string[] {
    const daily = rate * secondsOfDay;
    const yearly = daily * daysOfYear;
    const kept = {
      job: Math.min(daily * Math.min(keep.jobsDays, daysOfYear), keep.jobs),
      events: Math.min(daily * Math.min(keep.eventsDays, daysOfYear), keep.events / cost('rows/events')),
      log: Math.min(daily * Math.min(keep.logsDays, daysOfYear), keep.logBytes / cost('bytes/log')),
      audit: daily * Math.min(keep.auditDays, daysOfYear),
    };
    // A job goes with all that belongs to it.
    for (const part of ['events', 'log'] as const) kept[part] = Math.min(kept[part], kept.job);
    const apart = (['events', 'log', 'audit'] as const).map((part) => ({ part, jobs: kept[part] }));
    const rowsOfJob = apart.reduce((rest, { part }) => rest - cost(`rows/${part}`), cost('rows'));
    const bytesOfAll = ['job', 'events', 'log', 'audit'].reduce(
      (sum, part) => sum + cost(`bytes/${part}`),
      0,
    );
    const rowsKept = apart.reduce(
      (sum, { part, jobs }) => sum + jobs * cost(`rows/${part}`),
      kept.job * rowsOfJob,
    );
    const bytesKept = apart.reduce(
      (sum, { part, jobs }) => sum + jobs * cost(`bytes/${part}`),
      kept.job * cost('bytes/job'),
    );
    return [
      `${toShort((rate * cost('cpu')) / 10)} %`,
      `${toAmount(rate * cost('wal'), 'B')}/s`,
      `${toShort(rate * cost('transactions'))}/s`,
      `${toShort(rate * (cost('calls/create') + cost('calls/log')))}/s`,
      `${toShort(rate * cost('watch/events'))}/s, ${toAmount(rate * cost('watch/bytes'), 'B')}/s`,
      `${toShort(rate * controller.requestsOfJob)}/s of ${controller.perSecond}`,
      toAmount(yearly),
      toAmount(yearly * cost('rows')),
      toAmount(yearly * bytesOfAll, 'B'),
      `${toAmount(kept.job)}: ${toTime(kept.job / rate)}`,
      toAmount(rowsKept),
      toAmount(bytesKept, 'B'),
      toAmount(kept.audit * cost('bytes/audit'), 'B'),
    ];
  }

  const columns = rates.map(toColumn);
  const head = ['', ...rates.map((rate) => `${rate.toLocaleString('en')} a second`)];
  const lines = names.map((name, n) => [name, ...columns.map((column) => column[n] ?? '')]);
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const names = [
  'of the one core that the service uses',
  'written to the write-ahead log',
  'transactions',
  'requests that we make of the API server',
  'what its watches tell us',
  'requests of the controller manager, and its default',
  'jobs in a year',
  'rows after a year, if nothing were removed',
  'bytes after a year, if nothing were removed',
  'jobs that the defaults keep, and how far back they reach',
  'rows after a year, with the defaults',
  'bytes after a year, with the defaults',
  'of these the audit log',
];

function toShort(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(2)));
}

const units = ['', ' k', ' M', ' G', ' T', ' P'];

/** With a unit of a thousand of the one before; bytes as disks are sold. */
function toAmount(value: number, what = ''): string {
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(value) / 3)));
  const unit = units[power] ?? '';
  return `${toShort(value / 1000 ** power)}${unit === '' && what !== '' ? ' ' : unit}${what}`;
}

function toTime(seconds: number): string {
  if (seconds >= 2 * secondsOfDay) return `${Math.round(seconds / secondsOfDay)} days`;
  return seconds >= 7200 ? `${Math.round(seconds / 3600)} hours` : `${Math.round(seconds / 60)} minutes`;
}
