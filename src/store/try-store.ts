import type { Logger } from 'pino';
import { createAccept } from './accept.ts';
import { createAudit } from './audit.ts';
import { openBeside } from './beside.ts';
import { createCancels } from './cancels.ts';
import { createJobViews } from './job-views.ts';
import { createJobRows } from './jobs.ts';
import { createPodRows } from './pods.ts';
import { createReportEvidence } from './report-evidence.ts';
import { createSettings } from './settings.ts';
import { createSettle } from './settle.ts';
import { createTombstones } from './tombstones.ts';
import { createWrites } from './writes.ts';

/** What a look at the cluster from the command line needs of the store: what came in, and to submit a job and see what becomes of it. */
export function openTryStore({ path, clock, log }: { path: string; clock: () => Date; log: Logger }) {
  const db = openBeside(path);
  const writes = createWrites({ db, clock, log });
  const rows = createJobRows(db);
  const pods = createPodRows(db);
  const views = createJobViews({ db, rows, pods });
  const settle = createSettle({ db, rows, pods, writes });
  return {
    ...createAccept({ db, writes, views, tombstones: createTombstones({ db, writes }) }),
    ...createCancels({ db, rows, writes, settle }),
    ...createReportEvidence(db),
    findSummary: views.findSummary,
    noteAction: createAudit({ db, writes }).noteAction,
    boundNamespace: createSettings({ db, writes }).boundNamespace,
    groupCommit: writes.groupCommit,
    close: () => void db.close(),
  };
}
