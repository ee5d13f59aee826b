import { chmodSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';

/** Where the files of pods lie: `<pods>/<uid>/scratch`, and a directory per container for logs and messages. */
export type PodFiles = {
  scratchOf: (uid: string) => string;
  containerOf: (uid: string, container: string) => string;
  messageOf: (uid: string, container: string, attempt: number) => string;
  prepare: (uid: string, containers: string[]) => void;
  /** Never throws: what cannot be removed is told in the log, and left to the next sweep. */
  remove: (uid: string) => void;
  /** Removes what belongs to none of these pods. */
  sweep: (uids: Set<string>) => void;
};

const make = (path: string) => mkdirSync(path, { recursive: true, mode: 0o700 });

/** A pod may have taken from us the right to remove what is in its directories. Follows no links. */
function openDirectories(path: string): void {
  chmodSync(path, 0o700);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) openDirectories(join(path, entry.name));
  }
}

function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    openDirectories(path);
    rmSync(path, { recursive: true, force: true });
  }
}

export function openPodFiles(directory: string, log: Pick<Logger, 'error'>): PodFiles {
  const scratchOf = (uid: string) => join(directory, uid, 'scratch');
  const containerOf = (uid: string, container: string) => join(directory, uid, 'containers', container);
  const remove = (uid: string) => {
    try {
      removeTree(join(directory, uid));
    } catch (error) {
      log.error({ err: error, uid }, 'the files of a pod could not be removed');
    }
  };
  make(directory);
  return {
    scratchOf,
    containerOf,
    messageOf: (uid, container, attempt) => join(containerOf(uid, container), `${attempt}.message`),
    prepare(uid, containers) {
      make(scratchOf(uid));
      for (const container of containers) make(containerOf(uid, container));
    },
    remove,
    sweep(uids) {
      for (const uid of readdirSync(directory)) if (!uids.has(uid)) remove(uid);
    },
  };
}
