import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { clipLog, createLogClip } from '../../src/store/log-clip.ts';
import { logsToKeep } from '../support/logs-to-keep.ts';
import { exitedPod, runningPod, seenPod } from '../support/sightings.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;

beforeEach(() => {
  stage = openStage();
});

afterEach(() => stage.close());

const mebibyte = 1024 * 1024;
const line = (nth: number) => `line ${String(nth).padStart(10, '0')}\n`;

function keep(text: Buffer | string): void {
  for (const item of logsToKeep(stage.store)) stage.store.keepLog({ ...item, text: Buffer.from(text) });
}

test('the log of a pod that has ended is asked for, once', () => {
  const id = stage.create();
  stage.store.observePod(id, runningPod());
  expect(logsToKeep(stage.store)).toEqual([]);
  stage.store.observePod(id, exitedPod(0));
  expect(logsToKeep(stage.store)).toEqual([
    {
      number: 1,
      jobId: id,
      namespace: 'jobs',
      pod: 'report-bcdfghjklm-x7k2p',
      podUid: 'pod-uid',
      task: 0,
      ended: true,
      leaving: false,
      runsOver: 0,
      runsKept: 0,
    },
  ]);
  keep('hello\n');
  expect(logsToKeep(stage.store)).toEqual([]);
  expect(stage.store.findLog('pod-uid')?.toString()).toBe('hello\n');
  expect(stage.history(id).at(-1)).toBe('log:6');
});

test('the log of a pod that is being deleted is asked for before it is too late', () => {
  const id = stage.create();
  stage.store.observePod(id, runningPod({ deletedAt: '2026-01-01T10:00:05Z' }));
  expect(logsToKeep(stage.store)).toMatchObject([{ podUid: 'pod-uid', ended: false }]);
});

test('a log that is not to be had is not asked for again', () => {
  const id = stage.create();
  stage.store.observePod(id, seenPod({ phase: 'Failed' }));
  stage.store.markLogUnavailable('pod-uid');
  expect(logsToKeep(stage.store)).toEqual([]);
  expect(stage.store.findLog('pod-uid')).toBeUndefined();
});

test('a pod that is gone takes its log along, unless it is just being kept', () => {
  const id = stage.create();
  stage.store.observePod(id, exitedPod(0));
  const [item] = logsToKeep(stage.store);
  stage.store.markPodGone(id, 'pod-uid');
  expect(logsToKeep(stage.store)).toEqual([]);
  if (item !== undefined) stage.store.keepLog({ ...item, text: Buffer.from('just in time\n') });
  expect(stage.store.findLog('pod-uid')?.toString()).toBe('just in time\n');
  stage.store.markLogUnavailable('pod-uid');
  expect(stage.store.findLog('pod-uid')?.toString()).toBe('just in time\n');
});

test('a log is kept once, and never for a pod that nobody knows', () => {
  const id = stage.create();
  stage.store.observePod(id, exitedPod(0));
  const item = { jobId: id, podUid: 'pod-uid', pod: 'p', task: 0 };
  stage.store.keepLog({ ...item, text: Buffer.from('first') });
  stage.store.keepLog({ ...item, text: Buffer.from('second') });
  stage.store.keepLog({ ...item, podUid: 'nobody', text: Buffer.from('x') });
  expect(stage.store.findLog('pod-uid')?.toString()).toBe('first');
  expect(stage.store.findLog('nobody')).toBeUndefined();
});

test('any bytes come back as they were', () => {
  const id = stage.create();
  stage.store.observePod(id, exitedPod(0));
  const bytes = Buffer.from(Uint8Array.from({ length: 70_000 }, (_, nth) => (nth * 7) % 256));
  keep(bytes);
  expect(stage.store.findLog('pod-uid')?.equals(bytes)).toBe(true);
});

describe('a clipped log', () => {
  const count = 200_000;
  const whole = Array.from({ length: count }, (_, nth) => line(nth)).join('');

  test('has whole lines of the beginning and the end, says what was cut, and is at most 1 MiB', () => {
    const clipped = clipLog(Buffer.from(whole)).toString();
    const lines = clipped.trimEnd().split('\n');
    expect(Buffer.byteLength(clipped)).toBeLessThanOrEqual(mebibyte);
    expect(Buffer.byteLength(clipped)).toBeGreaterThan(mebibyte - 1024);
    expect(lines[0]).toBe(line(0).trimEnd());
    expect(lines.at(-1)).toBe(line(count - 1).trimEnd());
    const notices = lines.filter((text) => !/^line \d{10}$/.test(text));
    const cut = whole.length - lines.filter((text) => text.startsWith('line')).length * line(0).length;
    expect(notices).toEqual([`[... ${cut} bytes of the log were not kept ...]`]);
  });

  test('is the same in whatever pieces it came', () => {
    const bytes = Buffer.from(whole);
    const clip = createLogClip();
    for (let at = 0; at < bytes.length; at += 77_777) clip.push(bytes.subarray(at, at + 77_777));
    expect(clip.toBuffer().equals(clipLog(bytes))).toBe(true);
  });

  test('of exactly 1 MiB is left as it is, and a byte more is too much', () => {
    expect(clipLog(Buffer.alloc(mebibyte, 'a')).equals(Buffer.alloc(mebibyte, 'a'))).toBe(true);
    expect(clipLog(Buffer.alloc(mebibyte + 1, 'a')).toString()).toContain('were not kept');
  });

  test('of a single endless line is bounded too', () => {
    const clipped = clipLog(Buffer.alloc(5 * mebibyte, 'é'));
    expect(clipped.length).toBeLessThanOrEqual(mebibyte);
    expect(clipped.toString('latin1')).toContain('were not kept');
  });
});

test('earlier runs of a container that is started again are kept as they end, and come before the last', () => {
  const id = stage.create();
  stage.store.observePod(id, runningPod({ reason: 'CrashLoopBackOff' }));
  expect(logsToKeep(stage.store)).toMatchObject([{ ended: false, leaving: false, runsOver: 1, runsKept: 0 }]);
  const item = { jobId: id, podUid: 'pod-uid', pod: 'p', task: 0 };
  stage.store.keepRun({ ...item, run: 1, text: Buffer.from('first\n') });
  stage.store.keepRun({ ...item, run: 1, text: Buffer.from('first again\n') });
  expect(logsToKeep(stage.store)).toEqual([]);
  expect(stage.store.findLog('pod-uid')).toBeUndefined();
  stage.store.observePod(id, exitedPod(0, { restarts: 1 }));
  stage.store.keepLog({ ...item, text: Buffer.from('second\n') });
  expect(stage.store.findLog('pod-uid')?.toString()).toBe('first\nsecond\n');
});

test('what earlier runs said is there even when the pod left before its last words were heard', () => {
  const id = stage.create();
  stage.store.observePod(id, runningPod({ restarts: 1 }));
  stage.store.keepRun({
    jobId: id,
    podUid: 'pod-uid',
    pod: 'p',
    task: 0,
    run: 1,
    text: Buffer.from('first\n'),
  });
  stage.store.markPodGone(id, 'pod-uid');
  expect(stage.store.findLog('pod-uid')?.toString()).toBe('first\n');
});
