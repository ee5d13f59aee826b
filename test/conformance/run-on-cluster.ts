import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { KubeConfig } from '@kubernetes/client-node';
import { createApiClient } from './api-client.ts';
import { runLabel } from './cluster-under-test.ts';
import { listAt, textAt } from './json.ts';

/**
 * `npm run test:cluster`: the conformance suite against a real cluster. It makes namespaces of its own with random
 * names and removes them at the end. Never guesses which cluster is meant: both variables must be set.
 * JOBSPAWN_TEST_IMAGE may name an image with `sh`, `sleep` and `node` that its node can pull; node:24-alpine if not.
 */
const kubeconfig = process.env['KUBECONFIG'];
const context = process.env['JOBSPAWN_TEST_CONTEXT'];

const fault = findFault();
if (fault === undefined) process.exitCode = await run(context ?? '');
else {
  console.error(fault);
  process.exitCode = 78;
}

function findFault(): string | undefined {
  const missing = [
    kubeconfig === undefined && 'KUBECONFIG (the path of a kubeconfig)',
    context === undefined && 'JOBSPAWN_TEST_CONTEXT (the context in it that may be used for tests)',
  ].filter((reason) => reason !== false);
  if (missing.length > 0) return `Please set ${missing.join(' and ')}.`;
  const isOnePath = kubeconfig !== undefined && !kubeconfig.includes(':');
  return isOnePath && !existsSync(kubeconfig) ? `There is no kubeconfig at ${kubeconfig}.` : undefined;
}

async function run(name: string): Promise<number> {
  const id = Math.random().toString(36).slice(2, 10);
  const chosen = process.argv.slice(2);
  const jest = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
  ];
  const child = spawn(process.execPath, [...jest, ...(chosen.length > 0 ? chosen : ['test/conformance'])], {
    stdio: 'inherit',
    cwd: new URL('../..', import.meta.url),
    env: { ...process.env, JOBSPAWN_CONFORMANCE_CONTEXT: name, JOBSPAWN_CONFORMANCE_RUN: id },
  });
  // The terminal's interrupt reaches jest as well; this process must outlive it, to clean up.
  process.on('SIGINT', () => undefined);
  await once(child, 'exit');
  await sweep(name, id);
  return child.exitCode ?? 1;
}

/** Removes the namespaces of this run that are still there: those of test files that were cut short. */
async function sweep(name: string, id: string): Promise<void> {
  const config = new KubeConfig();
  config.loadFromDefault();
  config.setCurrentContext(name);
  const client = await createApiClient(config);
  const path = '/api/v1/namespaces';
  const left = await client.send({
    method: 'GET',
    path: `${path}?labelSelector=${encodeURIComponent(`${runLabel}=${id}`)}`,
  });
  for (const namespace of listAt(left.body, 'items')) {
    await client.send({ method: 'DELETE', path: `${path}/${textAt(namespace, 'metadata', 'name')}` });
  }
}
