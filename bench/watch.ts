import { eventTimesSchema } from './event-order.ts';
import type { EventOrder } from './event-order.ts';
import { furnishLiveJobs } from './live-jobs.ts';
import type { LiveJob } from './live-jobs.ts';
import { runLoadProgram } from './run-program.ts';
import type { Benchmark } from './plan.ts';
import { startQuickService } from './quick-service.ts';

const readers = 1000;
const perSecond = 10;
/** So many that none of their tasks speaks too often. */
const liveJobs = 10;

export const watch: Benchmark = {
  name: 'watch',
  about: `from a worker's report to its event at each of ${readers} readers of the event stream, ${perSecond} reports a second`,

  async prepare(settings, releasers) {
    let jobs: LiveJob[] = [];
    const { service } = await startQuickService({
      settings,
      releasers,
      furnish: async (rig) => {
        jobs = await furnishLiveJobs(rig, { ...settings, count: liveJobs });
      },
    });
    let sent = 0;
    const nextReport = (): EventOrder['reports'][number] => {
      sent += 1;
      const { id = '', token = '' } = jobs[sent % jobs.length] ?? {};
      const message = `report ${sent}`;
      return {
        message,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ 'job-id': id, status: 'Processing...', message }),
      };
    };
    return {
      sides: {
        ours: async () => {
          const reports = Array.from({ length: Math.ceil(settings.seconds * perSecond) }, nextReport);
          const order: EventOrder = {
            url: service.url,
            pid: service.pid(),
            readers,
            perSecond,
            reports,
          };
          return eventTimesSchema.parse(await runLoadProgram('bench/event-readers.ts', order));
        },
      },
      figures: [
        { name: 'watch/p50', unit: 'ms', ours: ['ours', 'p50'] },
        { name: 'watch/p99', unit: 'ms', ours: ['ours', 'p99'], goal: { of: 'ours', atMost: 50 } },
        { name: 'watch/cpu', unit: 'us/event', ours: ['ours', 'cpu'], goal: { of: 'ours', atMost: 15 } },
      ],
    };
  },
};
