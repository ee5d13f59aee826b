import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { startChild } from '../faults/child-process.ts';
import { findFreePort } from '../faults/free-port.ts';

const dir = mkdtempSync(join(tmpdir(), 'jobspawn-bench-test-'));
afterAll(() => rmSync(dir, { recursive: true }));

const work = (ms: number) => `{ const end = performance.now() + ${ms}; while (performance.now() < end); }`;

/** For how long a program was held up, by its own watch: it works for so many ms before it listens, and for so many after that. */
async function watchProgram({ before, after }: { before: number; after: number }): Promise<number> {
  const program = join(dir, 'program.mjs');
  writeFileSync(
    program,
    `import { createServer } from 'node:http';
     process.once('SIGTERM', () => process.exit());
     ${work(before)}
     createServer().listen(Number(process.env.PORT), '127.0.0.1', () =>
       setTimeout(() => { ${work(after)} setTimeout(() => console.log('done'), 20); }, 20));`,
  );
  const preload = ['--import', './bench/loop-watch.ts'];
  const child = startChild([...preload, program], { PORT: String(await findFreePort()) });
  await child.firstLine;
  await child.end('SIGTERM');
  return Number(/held up for at most ([\d.]+) ms/.exec(child.errors.join('\n'))?.[1]);
}

test('a turn of the event loop that is long is told, once the program listens', async () => {
  expect(await watchProgram({ before: 0, after: 300 })).toBeGreaterThanOrEqual(295);
});

test('work before a program listens holds up nobody', async () => {
  expect(await watchProgram({ before: 1500, after: 0 })).toBeLessThan(1400);
});
