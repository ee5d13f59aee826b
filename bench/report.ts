import { startBareServer } from './bare-server.ts';
import { furnishLiveJobs, toReportRequest } from './live-jobs.ts';
import type { LiveJob } from './live-jobs.ts';
import { measureLoad } from './measure-load.ts';
import type { Benchmark } from './plan.ts';
import { startQuickService } from './quick-service.ts';

const path = '/status';
const connections = 50;
const [liveJobs, liveInShort] = [5000, 1000];
const status = 'Processing...';

export const report: Benchmark = {
  name: 'report',
  about: `POST ${path} with its token by ${connections} connections, over ${liveJobs} live jobs, beside bare Express`,

  async prepare(settings, releasers) {
    let jobs: LiveJob[] = [];
    const { service } = await startQuickService({
      settings,
      releasers,
      furnish: async (rig) => {
        const count = settings.isShort ? liveInShort : liveJobs;
        jobs = await furnishLiveJobs(rig, { ...settings, count });
      },
    });
    const answer = { 'job-id': jobs[0]?.id ?? '', status };
    const bare = await startBareServer({ schema: 'report', path, status: 200, answer }, releasers);
    const order = {
      requests: jobs.map((job) => toReportRequest(job, status)),
      connections,
      seconds: settings.seconds,
      expectedStatus: 200,
    };
    return {
      sides: {
        ours: () => measureLoad({ url: service.url, pid: service.pid() }, order),
        bare: () => measureLoad(bare, order),
      },
      figures: [
        {
          name: 'report',
          unit: 'requests/s',
          ours: ['ours', 'rate'],
          baseline: ['bare', 'rate'],
          goal: { of: 'ratio', atLeast: 0.6 },
        },
        { name: 'report/p99', unit: 'ms', ours: ['ours', 'p99'], baseline: ['bare', 'p99'] },
        { name: 'report/cpu', unit: 'us/request', ours: ['ours', 'cpu'], baseline: ['bare', 'cpu'] },
      ],
    };
  },
};
