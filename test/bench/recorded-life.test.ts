import { expect, test } from '@jest/globals';
import { createdSchema, createLives } from '../../bench/recorded-life.ts';
import { toJobManifest } from '../../src/kube/job-manifest.ts';
import { toSeenJob, toSeenPod } from '../../src/kube/observation.ts';
import { newJob } from '../store/stage.ts';

const manifest = toJobManifest({ item: newJob(), callbackUrl: 'http://127.0.0.1:1', token: 'secret' });
const { events: life } = createLives()({ job: createdSchema.parse(manifest), uid: 'the-uid' });
const told = life.map(({ kind, type, object }) => ({ kind, type, object: JSON.parse(object) as unknown }));
const tellsOf = (kind: string) => told.filter((event) => event.kind === kind);

test('the recorded life of a Job is told of any Job: with its name, its uid, its labels and its spec', () => {
  const jobs = tellsOf('jobs').map(({ object }) => toSeenJob(object));
  expect(jobs.map(({ jobId, observation: { uid, name } }) => [jobId, uid, name])).toEqual(
    jobs.map(() => ['job-1', 'the-uid', 'report-bcdfghjklm']),
  );
  const pods = tellsOf('pods').map(({ object }) => toSeenPod(object));
  expect(pods.map((pod) => [pod?.jobId, pod?.observation.jobUid, pod?.observation.jobName])).toEqual(
    pods.map(() => ['job-1', 'the-uid', 'report-bcdfghjklm']),
  );
  expect(new Set(pods.map((pod) => pod?.observation.uid)).size).toBe(1);
  expect(tellsOf('jobs')[0]?.object).toMatchObject({ spec: manifest.spec });
  const leftOver = life.flatMap(({ object }) => object.match(/«|»|named-|demo-02/) ?? []);
  expect(leftOver).toEqual([]);
});

test('it goes from a Job without a pod to one that is complete, and both leave', () => {
  const ends = tellsOf('jobs').map(({ object }) => toSeenJob(object).observation.succeeded);
  expect([ends[0], ends.at(-1)]).toEqual([0, 1]);
  const phases = tellsOf('pods').map(({ object }) => toSeenPod(object)?.observation.phase);
  expect([...new Set(phases)]).toEqual(['Pending', 'Running', 'Succeeded']);
  expect(told.map(({ type }) => type)).toEqual([
    'ADDED',
    'ADDED',
    ...told.slice(4).map(() => 'MODIFIED'),
    'DELETED',
    'DELETED',
  ]);
});
