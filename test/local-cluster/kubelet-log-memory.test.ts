import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { until } from '../support/until.ts';

const program = resolve(import.meta.dirname, '../../src/local-cluster/main.ts');
const pods = '/api/v1/namespaces/default/pods';

let dataDir: string;
let child: ChildProcess;
let url: string;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'jobspawn-cluster-'));
  const flags = ['--port', '0', '--data', dataDir, '--worker-image', 'plain'];
  child = spawn(process.execPath, [program, ...flags], { stdio: 'ignore' });
  const kubeconfig = join(dataDir, 'kubeconfig');
  await until(() => existsSync(kubeconfig));
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  url = config.getCurrentCluster()?.server ?? '';
});
afterAll(async () => {
  const exit = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  await exit;
  rmSync(dataDir, { recursive: true, force: true });
});

/** The most that the process has ever had in memory. */
const peakMegabytes = () =>
  Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;

/** Runs a pod to its end. */
async function run(name: string, script: string): Promise<void> {
  const container = { name: 'main', image: 'plain', command: ['sh', '-c', script] };
  await fetch(url + pods, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ metadata: { name }, spec: { restartPolicy: 'Never', containers: [container] } }),
  });
  await until(
    async () => (await (await fetch(`${url}${pods}/${name}`)).text()).includes('"phase":"Succeeded"'),
    {
      timeoutMs: 60_000,
    },
  );
}

test('a container that prints a hundred megabytes of short lines costs the cluster next to no memory', async () => {
  await run('small', 'echo hello');
  const before = peakMegabytes();
  await run('large', 'yes 0123456789012345678 | head -c 100000000');
  expect(peakMegabytes() - before).toBeLessThan(40);
});
