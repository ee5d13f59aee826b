import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AppError } from '../../src/core/app-error.ts';
import { createEventFeed } from '../../src/live/event-feed.ts';
import { createJobLog } from '../../src/live/job-log.ts';
import { openStage } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';
import { logsToKeep } from '../support/logs-to-keep.ts';
import { completeJob, exitedPod, runningPod, seenPod } from '../support/sightings.ts';
import { until } from '../support/until.ts';

type Script = {
  kube: Parameters<typeof createJobLog>[0]['kube'];
  asked: object[];
  play: (...answers: Answer[]) => void;
};
type Answer = string | AppError | { text: string; afterwards: Promise<unknown> };

/** A cluster that answers each request for a log with the next of the prepared answers. */
function script(): Script {
  const asked: object[] = [];
  const answers: Answer[] = [];
  async function* readPodLog(request: object): AsyncGenerator<Buffer> {
    asked.push(request);
    const answer = answers.shift() ?? new AppError('not-found', 'The pod is gone.');
    if (answer instanceof AppError) throw answer;
    yield Buffer.from(typeof answer === 'string' ? answer : answer.text);
    if (typeof answer !== 'string') await answer.afterwards;
  }
  return { kube: { readPodLog }, asked, play: (...next) => void answers.push(...next) };
}

const at = (second: number) => ({ createdAt: `2026-01-01T10:00:0${second}Z` });
const waiting = new AppError('unavailable', 'The container has not started.');

let stage: Stage;
let cluster: Script;
let stop: AbortController;
/** What others are reading meanwhile. */
let untilLogIsKept: () => Promise<void>;

beforeEach(() => {
  stage = openStage();
  cluster = script();
  stop = new AbortController();
  untilLogIsKept = async () => {};
});

afterEach(() => {
  stop.abort();
  stage.close();
});

function read(
  id: string,
  options: { task?: number; attempt?: number; tail?: number; follow?: boolean } = {},
) {
  const { store } = stage;
  const jobLog = createJobLog({
    store,
    kube: cluster.kube,
    feed: createEventFeed({ store }),
    untilLogIsKept: () => untilLogIsKept(),
  });
  const job = store.findJob(id);
  if (job === undefined) throw new Error(`there is no job ${id}`);
  const seen = { text: '' };
  const whole = (async () => {
    for await (const chunk of jobLog.read(job, { follow: false, signal: stop.signal, ...options }))
      seen.text += chunk.toString();
    return seen.text;
  })();
  return { seen, whole };
}

function keepAll(text: (item: { podUid: string }) => string): void {
  for (const item of logsToKeep(stage.store)) stage.store.keepLog({ ...item, text: Buffer.from(text(item)) });
}

test('the kept log is read without asking the cluster', async () => {
  const id = stage.create();
  stage.store.observePod(id, exitedPod(0));
  keepAll(() => 'one\ntwo\nthree\n');
  expect(await read(id).whole).toBe('one\ntwo\nthree\n');
  expect(await read(id, { follow: false, tail: 2 }).whole).toBe('two\nthree\n');
  expect(await read(id, { tail: 0 }).whole).toBe('');
  expect(await read(id, { tail: 10 }).whole).toBe('one\ntwo\nthree\n');
  expect(cluster.asked).toEqual([]);
});

test('between the kept logs of many pods others are let in', async () => {
  const id = stage.create({ spec: { completionMode: 'Indexed', completions: 20 } });
  for (let index = 0; index < 20; index += 1)
    stage.store.observePod(id, exitedPod(0, { uid: `pod-${index}`, name: `pod-${index}`, index }));
  keepAll(() => 'said\n');
  let turns = 0;
  const ended = new AbortController();
  const watch = (async () => {
    for (; !ended.signal.aborted; turns += 1) await nextTurn();
  })();
  expect((await read(id).whole).match(/said/g)).toHaveLength(20);
  expect(turns).toBeGreaterThanOrEqual(19);
  ended.abort();
  await watch;
});

test('the last lines of a log that breaks off in a line count that line', async () => {
  const id = stage.create();
  stage.store.observePod(id, exitedPod(0));
  keepAll(() => 'one\n\ntwo');
  expect(await read(id, { tail: 1 }).whole).toBe('two');
  expect(await read(id, { tail: 2 }).whole).toBe('\ntwo');
});

test('a log that is not kept yet comes from the cluster', async () => {
  const id = stage.create();
  stage.store.observePod(id, runningPod());
  cluster.play('so far\n');
  expect(await read(id, { tail: 5 }).whole).toBe('so far\n');
  expect(cluster.asked).toEqual([{ pod: 'report-bcdfghjklm-x7k2p', follow: false, tail: 5 }]);
});

test('a job without pods, a pod that waits and one that is gone have an empty log', async () => {
  const id = stage.create();
  expect(await read(id).whole).toBe('');
  stage.store.observePod(id, seenPod());
  cluster.play(waiting);
  expect(await read(id).whole).toBe('');
  stage.store.observePod(id, runningPod());
  expect(await read(id).whole).toBe('');
});

test.each([false, true])(
  'of a pod that left while it was asked for, a reader (follows: %s) gets what others hear to its end',
  async (follow) => {
    const id = stage.create();
    stage.store.observePod(id, runningPod());
    let asked = 0;
    untilLogIsKept = async () => {
      asked += 1;
      await nextTurn();
      stage.store.observePod(id, exitedPod(143));
      keepAll(() => 'so far\nlast words\n');
      stage.store.requestCancel(id, 'User');
      stage.store.markPodGone(id, 'pod-uid');
      stage.store.markJobGone(id, 'job-uid');
    };
    expect(await read(id, { follow, tail: 1 }).whole).toBe('last words\n');
    expect(asked).toBe(1);
  },
);

test('a cluster that does not answer is an error, not an empty log', async () => {
  const id = stage.create();
  stage.store.observePod(id, runningPod());
  cluster.play(new AppError('unavailable', 'The cluster does not answer.'));
  await expect(read(id).whole).rejects.toThrow('does not answer');
});

describe('of several pods', () => {
  beforeEach(() => {
    const id = stage.create({ spec: { completionMode: 'Indexed', completions: 2, backoffLimit: 1 } });
    stage.store.observePod(id, exitedPod(0, { uid: 'b', name: 'pod-b', index: 1, ...at(0) }));
    stage.store.observePod(id, exitedPod(1, { uid: 'a1', name: 'pod-a1', ...at(1) }));
    stage.store.observePod(id, exitedPod(0, { uid: 'a2', name: 'pod-a2', ...at(2) }));
    keepAll(({ podUid }) => (podUid === 'a1' ? 'no line feed' : `from ${podUid}\n`));
  });

  test('each is introduced, in the order of task, then age', async () => {
    expect(await read('job-1').whole).toBe(
      [
        '==> pod pod-a1 (task 0) <==\nno line feed\n',
        '==> pod pod-a2 (task 0) <==\nfrom a2\n',
        '==> pod pod-b (task 1) <==\nfrom b\n',
      ].join(''),
    );
  });

  test('the list of them is read once, and later only what is new on it', async () => {
    const { store } = stage;
    const asked: number[] = [];
    const listPodsAfter: typeof store.listPodsAfter = (jobId, number) => {
      asked.push(number);
      return store.listPodsAfter(jobId, number);
    };
    const feed = createEventFeed({ store });
    const jobLog = createJobLog({
      store: { ...store, listPodsAfter },
      kube: cluster.kube,
      feed,
      untilLogIsKept,
    });
    const seen: string[] = [];
    const whole = (async () => {
      for await (const chunk of jobLog.read({ id: 'job-1' }, { follow: true, signal: stop.signal }))
        seen.push(chunk.toString());
    })();
    await until(() => seen.includes('from b\n'));
    expect(asked).toEqual([0]);
    store.observeJob('job-1', completeJob());
    await whole;
    expect(asked).toEqual([0, 3]);
  });

  test('a task or an attempt alone can be asked for; a single pod needs no introduction', async () => {
    expect(await read('job-1', { task: 1 }).whole).toBe('from b\n');
    expect(await read('job-1', { task: 0, attempt: 1 }).whole).toBe('from a2\n');
    expect(await read('job-1', { task: 7 }).whole).toBe('');
  });
});

describe('a follower', () => {
  test('waits for the pod, then for its container, and ends with the job', async () => {
    const id = stage.create();
    const { whole, seen } = read(id, { follow: true, tail: 3 });
    stage.store.observePod(id, seenPod());
    cluster.play(waiting);
    await until(() => cluster.asked.length === 1);
    const container = Promise.withResolvers<void>();
    cluster.play({ text: 'line\n', afterwards: container.promise });
    stage.store.observePod(id, runningPod());
    await until(() => seen.text === 'line\n');
    stage.store.observePod(id, exitedPod(0));
    container.resolve();
    stage.store.observeJob(id, completeJob());
    expect(await whole).toBe('line\n');
    const request = { pod: 'report-bcdfghjklm-x7k2p', follow: true, tail: 3 };
    expect(cluster.asked).toEqual([request, request]);
  });

  test('sees the next attempt, introduced, once there is one', async () => {
    const id = stage.create({ spec: { backoffLimit: 1 } });
    stage.store.observePod(id, exitedPod(1, { uid: 'a', name: 'pod-a' }));
    keepAll(() => 'failed\n');
    const { whole, seen } = read(id, { follow: true });
    await until(() => seen.text === 'failed\n');
    stage.store.observePod(id, exitedPod(0, { uid: 'b', name: 'pod-b', createdAt: '2026-01-01T10:00:20Z' }));
    keepAll(() => 'went well\n');
    await until(() => seen.text.includes('went well'));
    stage.store.observeJob(id, completeJob());
    expect(await whole).toBe('failed\n==> pod pod-b (task 0) <==\nwent well\n');
  });

  test('reads on when the container is started again, and reads no run twice', async () => {
    const id = stage.create({ spec: { restartPolicy: 'OnFailure' } });
    stage.store.observePod(id, runningPod());
    cluster.play('first run\n', 'second run\n');
    const { whole, seen } = read(id, { follow: true });
    await until(() => seen.text === 'first run\n');
    stage.store.observePod(id, runningPod({ restarts: 1 }));
    await until(() => seen.text === 'first run\nsecond run\n');
    stage.store.observePod(id, exitedPod(0, { restarts: 1 }));
    stage.store.observeJob(id, completeJob());
    expect(await whole).toBe('first run\nsecond run\n');
  });

  test('learns it when the log breaks off, rather than getting it twice', async () => {
    const id = stage.create();
    stage.store.observePod(id, runningPod());
    cluster.play({
      text: 'half\n',
      afterwards: Promise.reject(new AppError('unavailable', 'The cluster is away.')),
    });
    await expect(read(id, { follow: true }).whole).rejects.toThrow('is away');
  });

  test('ends with a pod that left before anyone saw how it ended', async () => {
    const id = stage.create();
    stage.store.observePod(id, runningPod());
    cluster.play('line\n');
    const { whole, seen } = read(id, { follow: true });
    await until(() => seen.text === 'line\n');
    stage.store.markPodGone(id, 'pod-uid');
    stage.store.markJobGone(id, 'job-uid');
    expect(await whole).toBe('line\n');
  });

  test('can leave at any time', async () => {
    const id = stage.create();
    const { whole } = read(id, { follow: true });
    stage.store.observePod(id, seenPod());
    cluster.play(waiting);
    await until(() => cluster.asked.length === 1);
    stop.abort();
    expect(await whole).toBe('');
  });
});
