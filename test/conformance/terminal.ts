import { spawn } from 'node:child_process';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import { openKubectl } from './kubectl-program.ts';
import { until } from '../support/until.ts';

export type Output = { stdout: string[]; stderr: string[]; exitCode: number };
export type Terminal = {
  run(script: string): Promise<Output>;
  /** Starts a `kubectl get --watch` and returns when its watch is open. It ends when it is interrupted. */
  watch(script: string): Promise<{ interrupt(): Promise<Output> }>;
  /** Ends what still runs. */
  close(): Promise<void>;
};

export async function openTerminal(cluster: ClusterUnderTest, namespace: string): Promise<Terminal> {
  const kubectl = await openKubectl(cluster);
  const flags = [...kubectl.flags, '--namespace', namespace];
  const prelude = `kubectl() { command kubectl ${flags.map((flag) => `'${flag}'`).join(' ')} "$@"; }\n`;
  const running = new Set<() => void>();

  function start(script: string) {
    const child = spawn('sh', ['-c', prelude + script], {
      env: kubectl.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const heard = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (heard.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (heard.stderr += text));
    const interrupt = () => void (child.pid !== undefined && process.kill(-child.pid, 'SIGINT'));
    running.add(interrupt);
    const ended = new Promise<Output>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        running.delete(interrupt);
        resolve({ stdout: toLines(heard.stdout), stderr: toLines(heard.stderr), exitCode: code ?? 0 });
      });
    });
    return { heard, ended, interrupt };
  }

  return {
    run: (script) => start(script).ended,
    async watch(script) {
      // At this level kubectl tells of each answer that it gets, and so of the moment when the watch is open.
      const { heard, ended, interrupt } = start(script.replace('kubectl ', 'kubectl -v=6 '));
      await until(() => heard.stderr.includes('watch=true'), { timeoutMs: 30_000 });
      return {
        async interrupt() {
          interrupt();
          const output = await ended;
          // The interrupt may come in the middle of a row.
          return { ...output, stdout: toLines(heard.stdout.replace(/[^\n]+$/, '')) };
        },
      };
    },
    async close() {
      for (const interrupt of running) interrupt();
      await kubectl.close();
    },
  };
}

const toLines = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));
