import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const run = promisify(execFile);

test('directories that a pod has made read-only go with it, and one that cannot be removed stops neither the node nor its next start', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'jobspawn-read-only-'));
  try {
    const { stdout } = await run(process.execPath, ['test/local-cluster/read-only-pods.ts', dataDir]);
    expect(JSON.parse(stdout)).toEqual({
      heard: ['done', 'running'],
      removed: true,
      kept: ['stray'],
      told: 1,
      left: [],
    });
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
