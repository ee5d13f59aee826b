import { demand } from './demands.ts';
import { listAt, textAt, type Json } from './json.ts';
import { bindPodNames, hasPhase, jobManifest, jobsPath, podOf, type Theatre } from './theatre.ts';
import { until } from '../support/until.ts';

type Deed = (theatre: Theatre) => Promise<void>;

/** What the recorder did outside of the recorded steps: before the first one, before one, or while one was a watch. */
export type Preparation = {
  before?: Deed;
  beforeStep?: Record<number, Deed>;
  during?: Record<number, Deed>;
  /** To the same end, where the step itself is skipped. */
  instead?: Record<number, Deed>;
  after?: Deed;
};

const create = async (theatre: Theatre, manifest: object, namespace = theatre.namespace): Promise<Json> => {
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  const answer = await demand(theatre.client, { method: 'POST', path, body: { ...manifest } });
  return answer.body;
};

const patch = async (theatre: Theatre, name: string, body: Json): Promise<void> => {
  const headers = { 'content-type': 'application/merge-patch+json' };
  await demand(theatre.client, { method: 'PATCH', path: jobsPath(theatre, name), headers, body });
};

const remove = async (theatre: Theatre, name: string): Promise<void> => {
  await demand(theatre.client, {
    method: 'DELETE',
    path: `${jobsPath(theatre, name)}?propagationPolicy=Background`,
  });
};

async function createSuspended(theatre: Theatre, name: string): Promise<string> {
  await create(theatre, jobManifest(theatre, name, 'true', { spec: { suspend: true } }));
  return until(async () => {
    const job = await demand(theatre.client, { method: 'GET', path: jobsPath(theatre, name) });
    const isSuspended = listAt(job.body, 'status', 'conditions').length > 0;
    return isSuspended ? textAt(job.body, 'metadata', 'resourceVersion') : undefined;
  });
}

const untilTime = (time: number) => until(() => Date.now() >= time, { timeoutMs: 60_000 });

const stuckEnv = [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'absent', key: 'a' } } }];
const say = (name: string, image: string, script: string) => ({ name, image, command: ['sh', '-c', script] });

export const preparations: Record<string, Preparation> = {
  '06-pod-failure-policy': {
    instead: {
      /** What an eviction does. */
      async 3(theatre) {
        const pod = await podOf(theatre, 'ignore', hasPhase('Running'));
        const path = `/api/v1/namespaces/${theatre.namespace}/pods/${textAt(pod, 'metadata', 'name')}`;
        const condition = {
          type: 'DisruptionTarget',
          status: 'True',
          reason: 'EvictionByEvictionAPI',
          message: 'Eviction API: evicting',
        };
        const headers = { 'content-type': 'application/strategic-merge-patch+json' };
        const body = { status: { conditions: [condition] } };
        await demand(theatre.client, { method: 'PATCH', path: `${path}/status`, headers, body });
        await demand(theatre.client, { method: 'DELETE', path });
      },
    },
  },

  '19-termination': {
    instead: {
      /** Ends as one that took too much memory does, but for the reason. */
      16: async (theatre) =>
        void (await create(
          theatre,
          jobManifest(theatre, 'oom', 'kill -9 $$', { spec: { backoffLimit: 0 } }),
        )),
    },
  },

  '12-delete': {
    async before(theatre) {
      const patient = 'trap "exit 0" TERM; sleep 1000 & wait';
      const pod = { terminationGracePeriodSeconds: 5 };
      for (const name of ['default', 'background', 'foreground', 'orphan', 'precond', 'queried']) {
        await create(theatre, jobManifest(theatre, name, patient, { pod }));
      }
      await create(theatre, jobManifest(theatre, 'finished', 'true', { pod }));
    },
  },

  '13-validation-errors': {
    async before(theatre) {
      const name = `${theatre.namespace}-ending`;
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      await demand(theatre.client, { method: 'POST', path: '/api/v1/namespaces', body: namespace });
      const manifest = jobManifest(theatre, 'held', 'true', { spec: { suspend: true } });
      await create(
        theatre,
        { ...manifest, metadata: { name: 'held', finalizers: ['example.com/hold'] } },
        name,
      );
    },
    async after({ client, namespace }) {
      await client.send({
        method: 'PATCH',
        path: `/apis/batch/v1/namespaces/${namespace}-ending/jobs/held`,
        headers: { 'content-type': 'application/merge-patch+json' },
        body: { metadata: { finalizers: null } },
      });
    },
  },

  '14-list-and-watch': {
    async before(theatre) {
      for (const name of ['a', 'b', 'c', 'd', 'e']) await createSuspended(theatre, name);
    },
    beforeStep: {
      1: async (theatre) => void (await createSuspended(theatre, 'bb')),
      23: async (theatre) => theatre.bindings.relearn('207840', await createSuspended(theatre, 'w')),
    },
    during: {
      async 23(theatre) {
        await patch(theatre, 'w', { metadata: { labels: { k: '1' } } });
        await remove(theatre, 'w');
      },
      async 38(theatre) {
        await patch(theatre, 'b', { metadata: { labels: { tier: 'gold' } } });
        await patch(theatre, 'b', { metadata: { labels: { more: 'x' } } });
        await patch(theatre, 'b', { metadata: { labels: { tier: 'silver' } } });
        await patch(theatre, 'b', { metadata: { labels: { tier: 'gold' } } });
        await remove(theatre, 'b');
      },
    },
  },

  '15-logs': {
    async before(theatre) {
      const { image } = theatre.cluster;
      const lines =
        'for i in 1 2 3 4 5 6; do echo "line $i"; done; sleep 0.2; echo "to stderr" >&2; sleep 3; echo later; printf "no newline at the end"';
      const unicode = `printf 'café 👋\\n\\n  indented\\ttab\\r\\n{"level":"info","msg":"x"}\\n'`;
      // The first tick is there when the log is asked for, and the second is not yet.
      const ticks = 'echo "tick 1"; sleep 3; for i in 2 3 4 5 6 7 8; do echo "tick $i"; sleep 1; done';
      const again = 'if [ -e /m/run ]; then echo "run 2"; else touch /m/run; echo "run 1"; exit 1; fi';
      const pair = [say('main', image, 'echo from main'), say('side', image, 'echo from side')];
      const jobs = [
        jobManifest(theatre, 'lines', lines),
        jobManifest(theatre, 'waiting', 'true', { container: { env: stuckEnv } }),
        jobManifest(theatre, 'unscheduled', 'true', { pod: { nodeSelector: { disk: 'none' } } }),
        jobManifest(theatre, 'json', unicode),
        jobManifest(theatre, 'two', 'true', {
          pod: { initContainers: [say('setup', image, 'echo from setup')], containers: pair },
        }),
        jobManifest(theatre, 'restarts', again, {
          container: { volumeMounts: [{ name: 'm', mountPath: '/m' }] },
          pod: { restartPolicy: 'OnFailure', volumes: [{ name: 'm', emptyDir: {} }] },
        }),
      ];
      for (const job of jobs) await create(theatre, job);
      await podOf(
        theatre,
        'waiting',
        (pod) =>
          textAt(pod, 'status', 'containerStatuses', 0, 'state', 'waiting', 'reason') ===
          'CreateContainerConfigError',
      );
      await bindPodNames(theatre, ['lines', 'waiting', 'unscheduled', 'json', 'two', 'restarts']);
      await create(theatre, jobManifest(theatre, 'slow', ticks));
      await podOf(theatre, 'slow', hasPhase('Running'));
      await bindPodNames(theatre, ['slow']);
    },
    beforeStep: {
      async 5(theatre) {
        const pod = await podOf(theatre, 'lines', hasPhase('Succeeded'));
        await podOf(theatre, 'two', hasPhase('Succeeded'));
        await podOf(theatre, 'json', hasPhase('Succeeded'));
        // One step asks for what is younger than a second, and must find nothing.
        const finished = Date.parse(
          textAt(pod, 'status', 'containerStatuses', 0, 'state', 'terminated', 'finishedAt'),
        );
        await untilTime(finished + 2_500);
        const path = `/api/v1/namespaces/${theatre.namespace}/pods/${textAt(pod, 'metadata', 'name')}/log?timestamps=true`;
        const { raw } = await demand(theatre.client, { method: 'GET', path });
        const later = / ?(\S+) later/.exec(raw)?.[1] ?? '';
        theatre.bindings.learn('2026-11-20T23:36:50.271124973Z', later);
        theatre.bindings.learn('2026-11-20T23:36:50Z', later.replace(/\.\d+Z$/, 'Z'));
      },
      41: async (theatre) => void (await podOf(theatre, 'restarts', hasPhase('Succeeded'))),
      async 43(theatre) {
        await remove(theatre, 'lines');
        const path = `/api/v1/namespaces/${theatre.namespace}/pods?labelSelector=job-name%3Dlines`;
        await until(
          async () =>
            listAt((await demand(theatre.client, { method: 'GET', path })).body, 'items').length === 0,
        );
      },
    },
  },

  '20-patch-and-update': {
    beforeStep: {
      async 26(theatre) {
        // The local cluster skips the steps that moved the version to this one.
        const job = await demand(theatre.client, { method: 'GET', path: jobsPath(theatre, 'j') });
        theatre.bindings.relearn('206397', textAt(job.body, 'metadata', 'resourceVersion'));
      },
    },
  },

  '18-selectors': {
    beforeStep: {
      async 4(theatre) {
        await podOf(theatre, 'one', hasPhase('Succeeded'));
        await podOf(theatre, 'two', hasPhase('Failed'));
        await podOf(theatre, 'three', hasPhase('Running'));
        await until(async () => {
          const jobs = await demand(theatre.client, { method: 'GET', path: jobsPath(theatre) });
          const finished = listAt(jobs.body, 'items').filter((job) =>
            listAt(job, 'status', 'conditions').some((condition) =>
              ['Complete', 'Failed'].includes(textAt(condition, 'type')),
            ),
          );
          return finished.length === 2;
        });
        await bindPodNames(theatre, ['one', 'two', 'three']);
      },
    },
  },
};
