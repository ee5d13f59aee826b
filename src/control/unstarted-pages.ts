import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Store } from '../store/store.ts';
import type { Unstarted } from '../store/unstarted.ts';

const pageSize = 100;

/**
 * All jobs that wait in the cluster, the oldest first, a page in each turn of the event loop: there may be thousands, and whoever asks us for
 * something meanwhile is not to wait for all of them. Within a page nothing changes; between two, jobs may start and end.
 */
export async function* readUnstarted(
  store: Pick<Store, 'listUnstarted'>,
): AsyncGenerator<readonly Unstarted[], void> {
  for (let after = 0; ;) {
    const page = store.listUnstarted({ after, limit: pageSize });
    yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    after = last.number;
    await nextTurn();
  }
}
