import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Where the files of pods lie: `<pods>/<uid>/scratch`, and a directory per container for logs and messages. */
export type PodFiles = {
  scratchOf: (uid: string) => string;
  containerOf: (uid: string, container: string) => string;
  messageOf: (uid: string, container: string, attempt: number) => string;
  prepare: (uid: string, containers: string[]) => void;
  remove: (uid: string) => void;
  /** Removes what belongs to none of these pods. */
  sweep: (uids: Set<string>) => void;
};

const make = (path: string) => mkdirSync(path, { recursive: true, mode: 0o700 });

export function openPodFiles(directory: string): PodFiles {
  const scratchOf = (uid: string) => join(directory, uid, 'scratch');
  const containerOf = (uid: string, container: string) => join(directory, uid, 'containers', container);
  const remove = (uid: string) => rmSync(join(directory, uid), { recursive: true, force: true });
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
