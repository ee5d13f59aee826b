import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KubeConfig } from '@kubernetes/client-node';
import { until } from '../support/until.ts';
import { createApiClient, type ApiClient } from './api-client.ts';
import { listAt, textAt, type JsonObject } from './json.ts';

/** The image of the recordings: node 20 and busybox, with no entry point. */
export const recordedImage = 'localhost/node-base:latest';

export type ClusterUnderTest = {
  kind: 'local' | 'real';
  client: ApiClient;
  /** For the library's own calls. */
  config: KubeConfig;
  /** Has `sh`, `sleep` and `node`, and no entry point that does more than start its arguments. */
  image: string;
  nodeName: string;
  kubectlArguments: string[];
  /** A fresh one with a random name; removed by `stop`. */
  createNamespace(purpose: string): Promise<string>;
  /** Removes every namespace that was made here; a local cluster ends with its processes and data. */
  stop(): Promise<void>;
};

/**
 * `npm test` holds a local cluster of its own against the recordings. `npm run test:cluster` names a real one in
 * JOBSPAWN_CONFORMANCE_CONTEXT, and nothing that only the local one does is asked of it.
 */
export async function openClusterUnderTest(): Promise<ClusterUnderTest> {
  const context = process.env['JOBSPAWN_CONFORMANCE_CONTEXT'];
  return context ? openRealCluster(context) : openLocalCluster();
}

async function openLocalCluster(): Promise<ClusterUnderTest> {
  const dataDir = await mkdtemp(join(tmpdir(), 'jobspawn-conformance-'));
  const program = fileURLToPath(new URL('serve-local-cluster.ts', import.meta.url));
  const child = spawn(process.execPath, [program, dataDir, recordedImage], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  await until(() => printed.endsWith('\n') || child.exitCode !== null, { timeoutMs: 60_000 });
  const kubeconfigPath = printed.trim();
  if (child.exitCode !== null) {
    await rm(dataDir, { recursive: true, force: true });
    throw new Error(`the local cluster ended with ${child.exitCode} before it began`);
  }
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath);
  const client = await createApiClient(config);
  const namespaces = createNamespaces(client);
  return {
    kind: 'local',
    client,
    config,
    image: recordedImage,
    nodeName: 'local',
    kubectlArguments: ['--kubeconfig', kubeconfigPath],
    createNamespace: (purpose) => namespaces.create(purpose),
    async stop() {
      child.stdin.end();
      await ended;
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function openRealCluster(context: string): Promise<ClusterUnderTest> {
  const config = new KubeConfig();
  config.loadFromDefault();
  config.setCurrentContext(context);
  const client = await createApiClient(config);
  const nodes = await client.send({ method: 'GET', path: '/api/v1/nodes' });
  const names = listAt(nodes.body, 'items').map((node) => textAt(node, 'metadata', 'name'));
  const [nodeName = 'node-1', second] = names;
  if (second) throw new Error(`the recordings are of a cluster with one node, this one has ${names.length}`);
  const namespaces = createNamespaces(client);
  return {
    kind: 'real',
    client,
    config,
    image: process.env['JOBSPAWN_TEST_IMAGE'] ?? 'node:24-alpine',
    nodeName,
    kubectlArguments: ['--context', context],
    createNamespace: (purpose) => namespaces.create(purpose),
    stop: () => namespaces.removeAll(),
  };
}

/** By this label `npm run test:cluster` finds what a run that was cut short has left behind. */
export const runLabel = 'jobspawn.dev/conformance-run';

function runLabels(): JsonObject {
  const run = process.env['JOBSPAWN_CONFORMANCE_RUN'];
  return run === undefined ? {} : { [runLabel]: run };
}

function createNamespaces(client: ApiClient) {
  const made: string[] = [];
  return {
    async create(purpose: string): Promise<string> {
      const name = `${purpose}-${Math.random().toString(36).slice(2, 8)}`;
      const created = await client.send({
        method: 'POST',
        path: '/api/v1/namespaces',
        headers: { 'content-type': 'application/json' },
        body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: runLabels() } },
      });
      if (created.status !== 201) throw new Error(`no namespace ${name}: ${created.raw}`);
      made.push(name);
      // A real cluster makes the account a moment after the namespace, and refuses pods until it is there.
      const account = `/api/v1/namespaces/${name}/serviceaccounts/default`;
      const accounts = await client.send({ method: 'GET', path: '/api/v1' });
      if (
        listAt(accounts.body, 'resources').some((resource) => textAt(resource, 'name') === 'serviceaccounts')
      ) {
        await until(async () => (await client.send({ method: 'GET', path: account })).status === 200);
      }
      return name;
    },
    async removeAll(): Promise<void> {
      await Promise.all(
        made.map((name) => client.send({ method: 'DELETE', path: `/api/v1/namespaces/${name}` })),
      );
    },
  };
}
