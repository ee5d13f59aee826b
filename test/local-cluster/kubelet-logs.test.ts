import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openContainerLog } from '../../src/local-cluster/kubelet/container-log.ts';
import type { LogOptions, LogPlace } from '../../src/local-cluster/kubelet/log-reader.ts';
import { readContainerLog } from '../../src/local-cluster/kubelet/log-reader.ts';
import { until } from '../support/until.ts';
import type { NodeUnderTest } from './node-under-test.ts';
import { isOver, startNode } from './node-under-test.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'jobspawn-logs-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function read(
  place: LogPlace,
  options: LogOptions = {},
  signal = new AbortController().signal,
): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of readContainerLog(place, options, signal)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Writes a log in the given pieces and ends it. */
function writeLog(name: string, pieces: string[]): LogPlace {
  const place = { directory: join(directory, name), attempt: 0 };
  const log = openContainerLog(place.directory, place.attempt);
  for (const piece of pieces) log.write('stdout', Buffer.from(piece));
  log.end();
  return place;
}

describe('a container log', () => {
  test('gives back what was written, wherever it was cut', async () => {
    const place = writeLog('cut', ['li', 'ne 1\nline', ' 2\n', '\n', 'no newline at the end']);
    expect(await read(place)).toBe('line 1\nline 2\n\nno newline at the end');
  });

  test('lies on disk as the container runtime interface has it', async () => {
    const place = writeLog('form', ['one\r\ntwo']);
    const lines = (await readFile(join(place.directory, '0.0.log'), 'utf8')).split('\n');
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z`;
    expect(lines[0]).toMatch(new RegExp(`^${time} stdout F one$`));
    expect(lines[1]).toMatch(new RegExp(`^${time} stdout P two$`));
  });

  test('keeps long lines whole for the reader, with one time', async () => {
    const long = 'x'.repeat(50_000);
    const place = writeLog('long', [`${long}\nshort\n`]);
    expect(await read(place)).toBe(`${long}\nshort\n`);
    const [first, second] = (await read(place, { timestamps: true })).split('\n');
    expect(first).toHaveLength(long.length + '2026-11-20T23:36:47.267774612Z '.length);
    expect(second).toMatch(/Z short$/);
  });

  test('keeps nothing of the buffer that it is written from, wherever a long line is cut', async () => {
    const place = { directory: join(directory, 'lent'), attempt: 0 };
    const log = openContainerLog(place.directory, 0);
    const text = `${'a'.repeat(16_384)}\n${'b'.repeat(16_385)}\r\n\r\n${'c'.repeat(40_000)}\nend\r`;
    for (let at = 0; at < text.length; at += 7001) {
      const lent = Buffer.from(text.slice(at, at + 7001));
      log.write('stdout', lent);
      lent.fill('!');
    }
    log.end();
    expect(await read(place)).toBe(text.replaceAll('\r\n', '\n'));
    const lines = (await readFile(join(place.directory, '0.0.log'), 'utf8')).trimEnd().split('\n');
    const tags = lines.map((line) => line.slice(38, 39)).join('');
    expect(tags).toBe('FPFFPPFP');
  });

  test('gives every line a time of its own, growing', async () => {
    const place = writeLog('times', ['line\n'.repeat(5000)]);
    const times = (await read(place, { timestamps: true })).trim().split('\n');
    expect(new Set(times).size).toBe(5000);
    expect(times.toSorted()).toEqual(times);
  });

  test.each([
    [0, ''],
    [1, 'three'],
    [2, 'two\nthree'],
    [3, 'one\ntwo\nthree'],
    [99, 'one\ntwo\nthree'],
  ])('read with tailLines %i ends in %j', async (tailLines, text) => {
    expect(await read(writeLog(`tail-${tailLines}`, ['one\ntwo\nthree']), { tailLines })).toBe(text);
  });

  test('finds its tail in a file of many blocks', async () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`);
    const place = writeLog('tail-far', [lines.join('')]);
    for (const tailLines of [1, 1500, 19_999, 20_000]) {
      expect(await read(place, { tailLines })).toBe(lines.slice(-tailLines).join(''));
    }
  });

  test('is cut in the middle of a line by limitBytes, after the tail', async () => {
    const place = writeLog('limit', ['line 1\nline 2\nline 3\n']);
    expect(await read(place, { limitBytes: 10 })).toBe('line 1\nlin');
    expect(await read(place, { limitBytes: 3, tailLines: 1 })).toBe('lin');
  });

  test('begins at sinceTime', async () => {
    const place = writeLog('since', ['old\n']);
    expect(await read(place, { sinceTime: new Date(Date.now() - 60_000) })).toBe('old\n');
    expect(await read(place, { sinceTime: new Date(Date.now() + 60_000) })).toBe('');
  });

  test('is rotated, bounded, and still read in order', async () => {
    const place = { directory: join(directory, 'rotated'), attempt: 0 };
    const log = openContainerLog(place.directory, 0);
    const line = `${'x'.repeat(1000)}\n`;
    for (let written = 0; written < 65; written += 1)
      log.write('stdout', Buffer.from(`${written}\n${line.repeat(1000)}`));
    log.end();
    expect(await readdir(place.directory)).toHaveLength(5);
    const numbers = (await read(place))
      .split('\n')
      .filter((text) => /^\d+$/.test(text))
      .map(Number);
    expect(numbers.at(-1)).toBe(64);
    expect(numbers).toEqual(numbers.map((_, index) => 64 - numbers.length + 1 + index));
  });

  test('is empty when there is none', async () => {
    expect(await read({ directory: join(directory, 'nowhere'), attempt: 0 }, { tailLines: 1 })).toBe('');
  });
});

describe('following a log', () => {
  test('gives what is there, then each line as it comes, and ends with the run', async () => {
    const place = { directory: join(directory, 'follow'), attempt: 0 };
    const log = openContainerLog(place.directory, 0);
    const lines = readContainerLog(
      { ...place, growing: log },
      { follow: true },
      new AbortController().signal,
    );
    const next = async () => String((await lines.next()).value ?? 'end');
    log.write('stdout', Buffer.from('one\n'));
    expect(await next()).toBe('one\n');
    for (const word of ['two\n', 'three\n']) {
      const coming = next();
      log.write('stderr', Buffer.from(word));
      expect(await coming).toBe(word);
    }
    log.write('stdout', Buffer.from('unfinished'));
    log.end();
    expect(await next()).toBe('unfinished');
    expect(await next()).toBe('end');
  });

  test('loses nothing over rotations', async () => {
    const place = { directory: join(directory, 'follow-rotated'), attempt: 0 };
    const log = openContainerLog(place.directory, 0);
    const reading = read({ ...place, growing: log }, { follow: true });
    const block = `${'y'.repeat(999)}\n`.repeat(1000);
    for (let written = 0; written < 25; written += 1) {
      log.write('stdout', Buffer.from(block));
      await new Promise((resolve) => setImmediate(resolve));
    }
    log.end();
    expect((await reading).length).toBe(25 * block.length);
  });

  test('stops when the reader goes away', async () => {
    const place = { directory: join(directory, 'follow-abort'), attempt: 0 };
    const log = openContainerLog(place.directory, 0);
    const gone = new AbortController();
    const reading = read({ ...place, growing: log }, { follow: true }, gone.signal);
    log.write('stdout', Buffer.from('one\n'));
    await until(() => readdir(place.directory).then((names) => names.length === 1));
    gone.abort();
    expect(await reading).toMatch(/^(one\n)?$/);
    log.end();
  });
});

describe('the log of a pod', () => {
  let node: NodeUnderTest;
  beforeAll(async () => {
    node = await startNode();
  });
  afterAll(() => node.stop());

  test('can be followed from the start to the end of its container', async () => {
    const pod = node.createPod({ command: ['sh', '-c', 'for i in 1 2 3; do echo tick $i; sleep 0.1; done'] });
    const running = await node.untilPod(pod, ({ status }) => status.phase !== 'Pending');
    expect(await node.logOf(running, { follow: true })).toBe('tick 1\ntick 2\ntick 3\n');
  });

  test('holds all of a large output, to the last byte', async () => {
    const script = 'process.stdout.write("z".repeat(99).concat("\\n").repeat(30000))';
    const pod = await node.untilPod(node.createPod({ command: ['node', '-e', script] }), isOver);
    expect(await node.logOf(pod)).toHaveLength(3_000_000);
  });

  test('goes with the pod', async () => {
    const pod = await node.untilPod(node.createPod({ command: ['echo', 'hello'] }), isOver);
    const files = () => readdir(join(node.dataDir, 'pods'));
    expect(await files()).toContain(pod.metadata.uid);
    node.registry.delete('pods', { namespace: 'default', name: pod.metadata.name });
    await until(async () => !(await files()).includes(pod.metadata.uid));
  });
});
