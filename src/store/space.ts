import type { Sql } from './database.ts';
import type { Writes } from './writes.ts';

/** Free pages that stay in the file for what comes next, rather than to be given back and asked for again: 4 MiB. */
const sparePages = 1024;
const bitePages = 64;

/** The room on the disk: what was removed leaves the file in the end, and the write-ahead log goes into it. */
export function createSpace({ db, writes }: { db: Sql; writes: Writes }) {
  const count = (pragma: string) => Number(db.pragma(pragma, { simple: true }));

  /** One bite of the free pages; `pages` is 0 when there are none to spare. */
  function giveBackPages(): { pages: number } {
    return writes.transact(() => {
      const free = count('freelist_count');
      if (free <= sparePages) return { pages: 0 };
      db.pragma(`incremental_vacuum(${Math.min(free - sparePages, bitePages)})`);
      return { pages: free - count('freelist_count') };
    });
  }

  /** Copies what the write-ahead log holds into the file, as far as no reader stands in the way; waits for none. */
  function checkpoint(): void {
    db.pragma('wal_checkpoint(PASSIVE)');
  }

  return { giveBackPages, checkpoint };
}
