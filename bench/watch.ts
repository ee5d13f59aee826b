import { startChild } from '../test/faults/child-process.ts';
import { eventTimesSchema } from './event-order.ts';
import type { EventOrder } from './event-order.ts';
import { furnishLiveJobs } from './live-jobs.ts';
import type { LiveJob } from './live-jobs.ts';
import { launchers } from './machine.ts';
import type { Benchmark } from './plan.ts';
import { startQuickService } from './quick-service.ts';
import { runLoadProgram } from './run-program.ts';

const readers = 1000;
const perSecond = 10;
/** So many that none of their tasks speaks too often. */
const liveJobs = 10;

export const watch: Benchmark = {
  name: 'watch',
  about: `from a worker's report to its event at each of ${readers} readers of the event stream, ${perSecond} reports a second, beside Express that hands them on`,

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
    const nextReport = (): EventOrder['counted'][number] => {
      sent += 1;
      const { id = '', token = '' } = jobs[sent % jobs.length] ?? {};
      const message = `report ${sent}`;
      return {
        message,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ 'job-id': id, status: 'Processing...', message }),
      };
    };
    const nextReports = () => Array.from({ length: Math.ceil(settings.seconds * perSecond) }, nextReport);
    const measure = async (server: { url: string; pid: number }) => {
      const alone = nextReports();
      const counted = nextReports();
      const first = [nextReport(), nextReport()];
      const order: EventOrder = { ...server, readers, perSecond, alone, counted, first };
      return eventTimesSchema.parse(await runLoadProgram('bench/event-readers.ts', order));
    };
    const bare = startChild(['bench/bare-events.ts'], {}, launchers.server);
    releasers.push(async () => void (await bare.end('SIGTERM')));
    const bareUrl = await bare.firstLine;
    return {
      sides: {
        ours: () => measure({ url: service.url, pid: service.pid() }),
        bare: () => measure({ url: bareUrl, pid: bare.pid }),
      },
      figures: [
        { name: 'watch/p50', unit: 'ms', ...sidesOf('p50') },
        { name: 'watch/p99', unit: 'ms', ...sidesOf('p99'), goal: { of: 'ours', atMost: 50 } },
        { name: 'watch/cpu', unit: 'us/event', ...sidesOf('cpu'), goal: { of: 'ours', atMost: 15 } },
        { name: 'watch/alone', unit: 'us/report', ours: ['ours', 'alone'] },
      ],
    };
  },
};

const sidesOf = (quantity: string) => ({
  ours: ['ours', quantity] as const,
  baseline: ['bare', quantity] as const,
});
