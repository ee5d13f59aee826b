import Database from 'better-sqlite3';
import type { Database as Sql } from 'better-sqlite3';
import { z } from 'zod';
import { until } from '../test/support/until.ts';
import { cpuMilliseconds } from './cpu-time.ts';
import { startJobsThrough } from './jobs-through.ts';
import type { Benchmark, FigurePlan, Readings } from './plan.ts';
import { readWal } from './wal.ts';

const jobsForSecond = 50;
const perSecond = 50;

const quantities: Readonly<Record<string, string>> = {
  cpu: 'ms/job',
  transactions: '/job',
  wal: 'bytes/job',
  rows: 'rows/job',
  'rows/events': 'rows/job',
  'rows/log': 'rows/job',
  'rows/audit': 'rows/job',
  'bytes/job': 'bytes/job',
  'bytes/events': 'bytes/job',
  'bytes/log': 'bytes/job',
  'bytes/audit': 'bytes/job',
  'calls/create': '/job',
  'calls/log': '/job',
  'calls/other': '/job',
  'watch/events': '/job',
  'watch/bytes': 'bytes/job',
};

/** The tables of what is kept by limits of its own; all others go with the job. */
const apart = { events: 'job_events', log: 'logs', audit: 'audit' };

export const cost: Benchmark = {
  name: 'cost',
  about: `what one short job of one pod, three reports and a small log costs us and asks of the cluster, ${perSecond} requested a second`,

  async prepare(settings, releasers) {
    const through = await startJobsThrough({ settings, releasers });
    const { db, service, api } = through;
    const count = Math.ceil(jobsForSecond * settings.seconds);
    return {
      sides: {
        ours: async () => {
          const [cpu, store, calls] = [cpuMilliseconds(service.pid), measureStore(db), api.counts()];
          await through.push(count, perSecond);
          const used = cpuMilliseconds(service.pid) - cpu;
          const stored = toGrowth(store, measureStore(db), count);
          const asked = api.counts();
          const wal = await measureWal(through.databasePath, () => through.push(count, perSecond));
          return {
            ...stored,
            cpu: used / count,
            transactions: wal.commits / count,
            wal: wal.bytes / count,
            'calls/create': (asked.creates - calls.creates) / count,
            'calls/log': (asked.logs - calls.logs) / count,
            'calls/other': (asked.others - calls.others) / count,
            'watch/events': (asked.events - calls.events) / count,
            'watch/bytes': (asked.bytes - calls.bytes) / count,
          };
        },
      },
      figures: Object.entries(quantities).map(([quantity, unit]): FigurePlan => ({
        name: `cost/${quantity}`,
        unit,
        ours: ['ours', quantity],
      })),
    };
  },
};

const namesSchema = z.array(z.string());
const ownTables = `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'`;
const pagesOf = `SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name = ?)`;

/** Rows of all tables, and of what is kept by limits of its own; the bytes of these with their indexes, and of all the rest. */
function measureStore(db: Sql): Record<string, number> {
  const ask = (sql: string, ...values: string[]) =>
    Number(
      db
        .prepare(sql)
        .pluck()
        .get(...values),
    );
  const count = (table: string) => ask(`SELECT count(*) FROM ${table}`);
  const readings: Record<string, number> = {
    rows: namesSchema
      .parse(db.prepare(ownTables).pluck().all())
      .map(count)
      .reduce((sum, more) => sum + more, 0),
    'bytes/job': ask('SELECT sum(pgsize) FROM dbstat'),
  };
  for (const [name, table] of Object.entries(apart)) {
    const bytes = ask(pagesOf, table);
    readings[`rows/${name}`] = count(table);
    readings[`bytes/${name}`] = bytes;
    readings['bytes/job'] = (readings['bytes/job'] ?? 0) - bytes;
  }
  return readings;
}

/** What came to it with each of so many jobs. */
function toGrowth(before: Record<string, number>, after: Record<string, number>, jobs: number): Readings {
  const growth: Record<string, number> = {};
  for (const [name, amount] of Object.entries(after)) growth[name] = (amount - (before[name] ?? 0)) / jobs;
  return growth;
}

/**
 * What is written meanwhile. A reader that stays where it is keeps the write-ahead log from beginning anew, so that all of it can be counted
 * in the end; the processor time is measured without one.
 */
async function measureWal(
  path: string,
  work: () => Promise<void>,
): Promise<{ commits: number; bytes: number }> {
  const reader = new Database(path);
  try {
    await until(() => isEmptied(reader.pragma('wal_checkpoint(TRUNCATE)')));
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM kept').get();
    await work();
    return readWal(`${path}-wal`);
  } finally {
    reader.close();
  }
}

function isEmptied(outcome: unknown): boolean {
  return z.tuple([z.object({ busy: z.int() })]).parse(outcome)[0].busy === 0;
}
