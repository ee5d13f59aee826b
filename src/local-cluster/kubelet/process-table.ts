import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findStartTime, killSession, listSession } from './session.ts';

/** A process of a container, as it is on disk. `startedAt` guards against a pid that another program got since. */
type ProcessRecord = { pid: number; startedAt: string; podUid: string };

export type ProcessTable = {
  /** Puts the process on record. Throws when it has ended already. */
  record: (pid: number, podUid: string) => void;
  /** To be called after the end of the process has been written to its pod. */
  forget: (pid: number) => void;
  /**
   * Kills what an earlier cluster left running, empties the table, and resolves to the uids of the pods that had a
   * process on record, whether it still lived or not, when all of them are dead.
   */
  killStrays: () => Promise<Set<string>>;
};

const killTimeoutMs = 5000;

/**
 * The processes that containers run in, one small file each. Written without fsync: what it must survive is the death
 * of this process; a crash of the machine ends the containers as well.
 */
export function openProcessTable(directory: string): ProcessTable {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const fileOf = (pid: number) => join(directory, String(pid));

  const readAll = (): ProcessRecord[] =>
    readdirSync(directory).flatMap((name) => {
      const [startedAt, podUid] = readFileSync(join(directory, name), 'utf8').split('\n');
      // A file without its second line was being written when the cluster was killed: its process never ran.
      return startedAt === undefined || podUid === undefined
        ? []
        : [{ pid: Number(name), startedAt, podUid }];
    });

  return {
    record(pid, podUid) {
      const startedAt = findStartTime(pid);
      if (startedAt === undefined) throw new Error(`process ${pid} ended before it was put on record`);
      writeFileSync(fileOf(pid), `${startedAt}\n${podUid}`, { mode: 0o600 });
    },
    forget(pid) {
      rmSync(fileOf(pid), { force: true });
    },
    async killStrays() {
      const records = readAll();
      const strays = records.filter(({ pid, startedAt }) => findStartTime(pid) === startedAt);
      for (const { pid } of strays) killSession(pid);
      await waitUntilDead(strays);
      for (const { pid } of records) rmSync(fileOf(pid), { force: true });
      for (const name of readdirSync(directory)) rmSync(join(directory, name), { force: true });
      return new Set(records.map(({ podUid }) => podUid));
    },
  };
}

/** A killed process takes a moment to go, and a container's successor must not meet it. */
async function waitUntilDead(strays: ProcessRecord[]): Promise<void> {
  const deadline = Date.now() + killTimeoutMs;
  while (strays.some(({ pid }) => listSession(pid).length > 0)) {
    if (Date.now() > deadline) throw new Error('processes of an earlier local cluster do not die');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
