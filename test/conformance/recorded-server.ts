import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import type { RecordedAnswer } from './recording.ts';

/** Answers every request with one recorded answer. Its address ends in a path, as the local cluster's does. */
export async function serveRecorded() {
  let { status, headers, body, events }: RecordedAnswer = { status: 404 };
  const server = createServer((request, response) => {
    const type = typeof body === 'string' ? 'text/plain' : 'application/json';
    const text = typeof body === 'string' ? body : JSON.stringify(body ?? null);
    const lines = events?.map(({ type: kind, object }) => `${JSON.stringify({ type: kind, object })}\n`);
    request.resume().on('end', () => {
      response.writeHead(status, { 'content-type': type, ...headers });
      response.end(lines?.join('') ?? text);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'recorded', server: `http://127.0.0.1:${port}/some-prefix`, skipTLSVerify: true },
    { name: 'nobody' },
  );
  const directory = await mkdtemp(join(tmpdir(), 'jobspawn-recorded-'));
  const kubeconfigPath = join(directory, 'kubeconfig');
  await writeFile(kubeconfigPath, config.exportConfig());
  return {
    config,
    kubectlArguments: ['--kubeconfig', kubeconfigPath],
    answerWith: (answer: RecordedAnswer) => ({ status, headers, body, events } = answer),
    async stop() {
      server.close();
      server.closeAllConnections();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
