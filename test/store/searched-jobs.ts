import Database from 'better-sqlite3';
import { completeJob } from '../support/sightings.ts';
import type { Stage } from './stage.ts';

export type SearchedJobs = ReturnType<typeof createSearchedJobs>;

/** Jobs of a stage, each with an id of its own, on their way through what a search has to follow. */
export function createSearchedJobs(stage: Stage) {
  return {
    /** In the cluster, where it waits. */
    create(id: string, name = 'Report'): void {
      stage.accept({ id, name, kubernetesName: `report-${id}` });
      stage.store.claimDispatch(id);
      stage.store.settleCreated(id, { uid: `uid-of-${id}` });
    },
    say(id: string, status: string, message?: string): void {
      stage.store.addReport({ 'job-id': id, status, message });
    },
    end(id: string, seen = completeJob()): void {
      stage.store.observeJob(id, { ...seen, uid: `uid-of-${id}`, name: `report-${id}` });
    },
    leave(id: string): void {
      for (const { uid } of stage.store.listPodsAfter(id, 0)) stage.store.markPodGone(id, uid);
      stage.store.markJobGone(id, `uid-of-${id}`);
    },
  };
}

/** By a connection of its own: the check goes by what its connection last knew of the parts of the index, which may have been merged since. */
export function checkIntegrity(path: string): unknown {
  const db = new Database(path, { readonly: true });
  const finding = db.pragma('integrity_check', { simple: true });
  db.close();
  return finding;
}
