import type { EventFeed } from '../live/event-feed.ts';
import type { Store } from '../store/store.ts';
import type { Readings } from './readings.ts';

export type ServiceParts = {
  store: Pick<Store, 'countListenerFaults' | 'countStates' | 'diskUse' | 'queueStatus'>;
  feed: Pick<EventFeed, 'countFollowers'>;
  limits: { maxActive: number; maxQueued: number };
  clock: () => Date;
};

/** What is in the database, and who listens. */
export function addServiceMetrics(
  { gauge, counter }: Readings,
  { store, feed, limits, clock }: ServiceParts,
): void {
  gauge({
    name: 'jobspawn_jobs',
    help: 'Jobs by state.',
    labels: ['state'],
    read: () => Object.entries(store.countStates()).map(([state, count]) => [{ state }, count]),
  });
  gauge({
    name: 'jobspawn_queue_depth',
    help: 'Jobs that are not known to be in the cluster yet.',
    read: () => store.queueStatus().depth,
  });
  gauge({
    name: 'jobspawn_queue_limit',
    help: 'Depth of the queue from which on new jobs are refused.',
    read: () => limits.maxQueued,
  });
  gauge({
    name: 'jobspawn_queue_oldest_age_seconds',
    help: 'How long the oldest job in the queue has waited; 0 when there is none.',
    read: () => {
      const { oldestQueuedAt } = store.queueStatus();
      if (oldestQueuedAt === null) return 0;
      return Math.max(0, clock().getTime() - Date.parse(oldestQueuedAt)) / 1000;
    },
  });
  gauge({
    name: 'jobspawn_active_jobs',
    help: 'Jobs that hold a place in the cluster: sent there, and not ended.',
    read: () => store.queueStatus().active,
  });
  gauge({
    name: 'jobspawn_active_jobs_limit',
    help: 'Places that there are in the cluster.',
    read: () => limits.maxActive,
  });
  gauge({
    name: 'jobspawn_event_streams',
    help: 'Readers that follow events or a log now.',
    read: () => feed.countFollowers(),
  });
  counter({
    name: 'jobspawn_commit_listener_faults_total',
    help: 'Listeners to commits that threw.',
    read: () => store.countListenerFaults(),
  });
  gauge({
    name: 'jobspawn_database_bytes',
    help: 'Size of the database file and its write-ahead log.',
    read: () => store.diskUse(),
  });
}
