import { acceptRequest } from './accept-request.ts';
import { furnishLiveJobs, toReportRequest } from './live-jobs.ts';
import type { LiveJob } from './live-jobs.ts';
import { measureLoad } from './measure-load.ts';
import type { Benchmark } from './plan.ts';
import { startQuickService } from './quick-service.ts';

const creates = 200;
const reports = 1000;
const liveJobs = 5000;

export const mixed: Benchmark = {
  name: 'mixed',
  about: `${creates} POST /api/v1/jobs a second while each becomes a Job and ${reports} reports a second come in, beside the same alone`,

  async prepare(settings, releasers) {
    const alone = await startQuickService({ settings, releasers });
    let jobs: LiveJob[] = [];
    const busy = await startQuickService({
      settings,
      releasers,
      env: { MAX_ACTIVE: '1000000' },
      furnish: async (rig) => {
        jobs = await furnishLiveJobs(rig, { ...settings, count: liveJobs });
      },
    });
    const { seconds } = settings;
    const accepting = {
      requests: [acceptRequest],
      connections: 50,
      seconds,
      perSecond: creates,
      expectedStatus: 202,
    };
    const reporting = {
      requests: jobs.map((job) => toReportRequest(job, 'Processing...')),
      connections: 50,
      seconds,
      perSecond: reports,
      expectedStatus: 200,
    };
    const toServer = ({ service }: typeof busy) => ({ url: service.url, pid: service.pid() });
    const countCreates = () => busy.cluster.requests.filter(({ method }) => method === 'POST').length;
    return {
      sides: {
        alone: async () => measureLoad(toServer(alone), accepting),
        mixed: async () => {
          const before = countCreates();
          const [accepted, reported] = await Promise.all([
            measureLoad(toServer(busy), accepting),
            measureLoad(toServer(busy), reporting),
          ]);
          return {
            p99: accepted.p99,
            reports: reported.rate,
            creates: (countCreates() - before) / seconds,
          };
        },
      },
      figures: [
        {
          name: 'mixed',
          unit: 'ms',
          ours: ['mixed', 'p99'],
          baseline: ['alone', 'p99'],
          goal: { of: 'ratio', atMost: 2 },
        },
        // What really went on: a service that is overtaxed falls behind these.
        { name: 'mixed/creates', unit: 'Jobs/s', ours: ['mixed', 'creates'] },
        { name: 'mixed/reports', unit: 'reports/s', ours: ['mixed', 'reports'] },
      ],
    };
  },
};
