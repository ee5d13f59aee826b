/**
 * The store: everything that must outlive the process, in one SQLite file.
 *
 * Owns: the schema, every transaction (each named by intent, each one durable when it returns), and the history.
 * May import: core, better-sqlite3.
 * Never: speaks to the cluster, reads the environment, decides a state by itself (core's `decide` does).
 */
import type { Logger } from 'pino';
import { createAccept } from './accept.ts';
import { createAudit } from './audit.ts';
import { createCancels } from './cancels.ts';
import { openDatabase } from './database.ts';
import { diskUse } from './disk-use.ts';
import { createDispatchQueue } from './dispatch.ts';
import { createEventLog } from './events.ts';
import { createJobEnds } from './job-ends.ts';
import { createJobLists } from './job-lists.ts';
import { createJobObservations } from './job-observations.ts';
import { createJobViews } from './job-views.ts';
import { createJobRows } from './jobs.ts';
import { createLogRetention } from './log-retention.ts';
import { createLogs } from './logs.ts';
import { createPodObservations } from './pod-observations.ts';
import { createPodRows } from './pods.ts';
import { createQueueStatus } from './queue.ts';
import { createReportEvidence } from './report-evidence.ts';
import { createReports } from './reports.ts';
import { createRetention } from './retention.ts';
import { createSearchIndex } from './search-index.ts';
import { createSessions } from './sessions.ts';
import { createSettings } from './settings.ts';
import { createSettle } from './settle.ts';
import { createSpace } from './space.ts';
import { createTokens } from './tokens.ts';
import { createTombstones } from './tombstones.ts';
import { createUnsettledList } from './unsettled.ts';
import { createUnstarted } from './unstarted.ts';
import { createWrites } from './writes.ts';

export type StoreOptions = { path: string; clock: () => Date; log: Logger };

export type Store = ReturnType<typeof openStore>;

/** Throws AppError `unavailable` with one sentence where the file cannot be ours alone, durably and in this version. */
export function openStore({ path, clock, log }: StoreOptions) {
  const { db, close } = openDatabase(path);
  const writes = createWrites({ db, clock, log });
  const rows = createJobRows(db);
  const pods = createPodRows(db);
  const views = createJobViews({ db, rows, pods });
  const settle = createSettle({ db, rows, pods, writes });
  const tombstones = createTombstones({ db, writes });
  const logRetention = createLogRetention({ db, writes });
  const audit = createAudit({ db, writes });
  const parts = { db, rows, pods, writes, settle };
  const reports = createReports(parts);
  return {
    ...createAccept({ db, writes, views, tombstones }),
    findJob: views.findJob,
    findSummary: views.findSummary,
    findPod: pods.findPod,
    listPodsAfter: pods.listPodsAfter,
    ...createJobLists(db),
    ...createSearchIndex({ db, writes }),
    ...createDispatchQueue(parts),
    ...createJobObservations(parts),
    ...createPodObservations({ ...parts, reports }),
    listUnsettled: createUnsettledList(db),
    addReport: reports.addReport,
    ...createReportEvidence(db),
    countTasks: reports.countTasks,
    ...createCancels(parts),
    ...createUnstarted(parts),
    ...createLogs(parts),
    ...createEventLog(db),
    listEnds: createJobEnds(db),
    queueStatus: createQueueStatus(db),
    diskUse: () => diskUse(path),
    ...createSettings({ db, writes }),
    ...audit,
    ...createTokens({ db, writes, audit }),
    ...createSessions({ db, writes, audit }),
    /**
     * Runs calls of this store in one transaction with whatever else comes in the same turn of the event loop; resolves once
     * that is on the disk. A change must be synchronous.
     */
    groupCommit: writes.groupCommit,
    ...createRetention({ db, rows, writes, tombstones, logRetention }),
    removeOldLogs: logRetention.removeOldLogs,
    removeOldTombstones: tombstones.removeOldTombstones,
    ...createSpace({ db, writes }),
    /** Called after every transaction that added to the history; returns the way to stop that. Must be quick. */
    onCommit: writes.onCommit,
    countListenerFaults: writes.countListenerFaults,
    close,
  };
}
