import type { Caller } from '../core/access.ts';
import type { AuditEntry } from '../core/audit.ts';
import { AppError } from '../core/app-error.ts';
import type { Store } from '../store/store.ts';
import { createRate } from './rate.ts';

/** What is noted of one address, and of all together; whoever is refused more often than that must not fill the disk with it. */
const mostOfOne = 20;
const mostOfAll = 200;

/** Notes in the audit log who was refused what; never rejects because of that. */
export type NoteRefusal = (by: Caller, refused: Pick<AuditEntry, 'action' | 'target'>) => Promise<void>;

export function createRefusals({ store }: { store: Pick<Store, 'noteAction' | 'groupCommit'> }): NoteRefusal {
  const ofOne = createRate({ most: mostOfOne, seconds: 60, what: 'refusals' });
  const ofAll = createRate({ most: mostOfAll, seconds: 60, what: 'refusals' });

  return async (by, refused) => {
    try {
      await ofOne(by.address ?? '');
      await ofAll('');
      await store.groupCommit(() => store.noteAction({ by, ...refused, outcome: 'refused' }));
    } catch (error) {
      // Enough of them are noted, or the disk takes none: refused it is all the same.
      if (!(error instanceof AppError)) throw error;
    }
  };
}
