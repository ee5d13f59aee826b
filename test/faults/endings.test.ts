import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { toSeenJob, toSeenPod } from '../../src/kube/observation.ts';
import { loadRecording } from '../conformance/recording.ts';
import { openStage } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';
import { failedJob, seenJob } from '../support/sightings.ts';
import { until } from '../support/until.ts';
import { post } from './api-call.ts';
import { startRig } from './rig.ts';
import type { Rig } from './rig.ts';

type Ending = { reason: string; explanation: string | RegExp };

const endSchema = z.object({ state: z.string(), reason: z.string(), explanation: z.string() });

const toEnd = ({ reason, explanation }: Ending) => ({
  state: 'FAILED',
  reason,
  explanation: expect.stringMatching(explanation),
});

describe('fault 16: on the local cluster a job', () => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await startRig();
    rig.service.start();
    await rig.service.untilReady();
  });

  afterAll(async () => {
    await rig.stop();
  });

  test.each<[string, Record<string, unknown>, Ending]>([
    [
      'that exits with 1',
      { command: ['sh', '-c', 'exit 1'] },
      {
        reason: 'BackoffLimitExceeded',
        explanation: /^The job failed more often .*; the last container exited with code 1\.$/,
      },
    ],
    [
      'that works for longer than it may',
      { command: ['sh', '-c', 'sleep 600'], activeDeadlineSeconds: 2 },
      { reason: 'DeadlineExceeded', explanation: /^The job ran longer than its activeDeadlineSeconds/ },
    ],
    [
      'whose image is not to be had',
      { image: 'registry.invalid/nothing', activeDeadlineSeconds: 3 },
      {
        reason: 'DeadlineExceeded',
        explanation:
          /^The job never started within its activeDeadlineSeconds\. The image could not be pulled/,
      },
    ],
    [
      'whose command is not there',
      { command: ['/no/such/program'] },
      { reason: 'StartError', explanation: /^The command could not be started/ },
    ],
  ])('%s fails in time, with its reason in a sentence', async (_what, request, ending) => {
    const { text } = await post(`${rig.service.url}/api/v1/jobs`, { name: 'ends badly', ...request });
    const { id } = z.object({ id: z.string() }).parse(JSON.parse(text));
    await rig.untilEnded(id);
    const look = async () => endSchema.parse(await rig.get(`/api/v1/jobs/${id}`));
    // The end of its pod may be seen after its own.
    const isExplained = async () => new RegExp(ending.explanation).test((await look()).explanation);
    await until(isExplained).catch(() => {});
    expect(await look()).toMatchObject(toEnd(ending));
  });
});

type Recorded = {
  recording: string;
  job: string;
  /** How Kubernetes ends it, where the recording stops before. */
  verdict?: 'BackoffLimitExceeded' | 'DeadlineExceeded';
  /** Laid over the last status of its pod. */
  status?: Record<string, unknown>;
  /** The word that a person sees until then. */
  waits?: string;
};

describe('fault 16: as a real cluster tells it, a job', () => {
  let stage: Stage;

  beforeAll(() => {
    stage = openStage();
  });

  afterAll(() => stage.close());

  test.each<[string, Recorded, Ending]>([
    [
      'that uses too much memory',
      { recording: '19-termination', job: 'oom', verdict: 'BackoffLimitExceeded' },
      { reason: 'OOMKilled', explanation: /^The container used more memory than its limit/ },
    ],
    [
      'that the node evicts',
      {
        recording: '19-termination',
        job: 'exit-1',
        verdict: 'BackoffLimitExceeded',
        status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' },
      },
      { reason: 'Evicted', explanation: 'The node evicted the pod: The node was low on resource: memory.' },
    ],
    [
      'that exits with 1',
      { recording: '19-termination', job: 'exit-1', verdict: 'BackoffLimitExceeded' },
      { reason: 'BackoffLimitExceeded', explanation: /; the last container exited with code 1\.$/ },
    ],
    [
      'that works for longer than it may',
      { recording: '07-active-deadline', job: 'deadline' },
      { reason: 'DeadlineExceeded', explanation: /^The job ran longer than its activeDeadlineSeconds/ },
    ],
    [
      'that no node can take in time',
      { recording: '07-active-deadline', job: 'never-ran', waits: 'Unschedulable' },
      {
        reason: 'DeadlineExceeded',
        explanation: /^The job never started .* No node can take the pod: 0\/1 /,
      },
    ],
    [
      'that asks for a node that there is not',
      {
        recording: '10-stuck-pods',
        job: 'no-such-node',
        verdict: 'DeadlineExceeded',
        waits: 'Unschedulable',
      },
      {
        reason: 'DeadlineExceeded',
        explanation: /^The job never started .* No node can take the pod: 0\/1 /,
      },
    ],
    [
      'whose image is not to be had',
      {
        recording: '10-stuck-pods',
        job: 'pull-fails',
        verdict: 'DeadlineExceeded',
        waits: 'ImagePullBackOff',
      },
      { reason: 'DeadlineExceeded', explanation: /^The job never started .* The image could not be pulled/ },
    ],
    [
      'whose image has no possible name',
      {
        recording: '10-stuck-pods',
        job: 'bad-image-name',
        verdict: 'DeadlineExceeded',
        waits: 'InvalidImageName',
      },
      { reason: 'DeadlineExceeded', explanation: /The name of the image is not valid/ },
    ],
    [
      'whose pods are refused by admission',
      { recording: '22-pod-security', job: 'refused', verdict: 'DeadlineExceeded' },
      { reason: 'DeadlineExceeded', explanation: /activeDeadlineSeconds/ },
    ],
  ])('%s fails with its reason in a sentence', (_what, recorded, ending) => {
    const id = play(stage, recorded);
    expect(stage.store.findJob(id)).toMatchObject(toEnd(ending));
    const said = stage.store.listEvents({ after: 0, jobId: id, limit: 100 }).map(({ reason }) => reason);
    if (recorded.waits !== undefined) expect(said).toContain(recorded.waits);
  });
});

const namespace = 'recorded';
let played = 0;

/** Tells the store all that the recording shows of this job and its pods, look by look, and how it ended. */
function play(stage: Stage, { recording, job, verdict, status }: Recorded): string {
  played += 1;
  const name = `${job}-${played}`;
  // Each has a job of its own, though some are told by the same recording.
  const spell = (text: string, key: string) => (key === 'uid' ? `${text}-${played}` : text);
  const { jobs, pods } = loadRecording(recording, spell);
  const looks = [
    ...jobs.filter((look) => look.name === job).map((look) => ({ ...look, isJob: true })),
    ...pods.filter((look) => look.name.startsWith(`${job}-`)).map((look) => ({ ...look, isJob: false })),
  ].toSorted((a, b) => a.ms - b.ms);

  const { store } = stage;
  const id = stage.accept({ id: name, kubernetesName: name, generateName: '', namespace });
  store.claimDispatch(id);
  let uid = `job-${name}`;
  for (const { type, object, isJob } of looks) {
    const seen = isJob ? toSeenJob(object).observation : toSeenPod(object)?.observation;
    if (seen === undefined) continue;
    uid = 'jobUid' in seen ? seen.jobUid : seen.uid;
    if ('jobUid' in seen) store.observePod(id, { ...seen, jobName: name });
    else store.observeJob(id, { ...seen, name, namespace });
    if (type === 'DELETED' && 'jobUid' in seen) store.markPodGone(id, seen.uid);
  }
  const last = looks.findLast(({ isJob }) => !isJob)?.object;
  const whole = z.looseObject({ status: z.looseObject({}) }).safeParse(last).data;
  const pod = whole && toSeenPod({ ...whole, status: { ...whole.status, ...status } });
  if (status !== undefined && pod) store.observePod(id, { ...pod.observation, jobName: name });
  if (verdict === undefined) return id;
  store.observeJob(id, seenJob({ uid, name, namespace }));
  // What has not ended when the deadline comes is deleted.
  if (verdict === 'DeadlineExceeded' && pod) store.markPodGone(id, pod.observation.uid);
  store.observeJob(id, failedJob(verdict, { uid, name, namespace }));
  return id;
}
