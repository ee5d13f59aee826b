import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterUnderTest } from './cluster-under-test.ts';

/** How kubectl is started: with a HOME and a cache of its own, so that nothing of the person who runs the suite is used. */
export type KubectlProgram = {
  flags: string[];
  env: Record<string, string | undefined>;
  close(): Promise<void>;
};

/** The version of the kubectl on the PATH, or undefined when there is none. */
export function findKubectl(): string | undefined {
  const answer = spawnSync('kubectl', ['version', '--client'], { encoding: 'utf8' });
  return answer.status === 0 ? /v(\d+\.\d+)/.exec(answer.stdout)?.[1] : undefined;
}

export async function openKubectl({
  kubectlArguments,
}: Pick<ClusterUnderTest, 'kubectlArguments'>): Promise<KubectlProgram> {
  const home = await mkdtemp(join(tmpdir(), 'jobspawn-kubectl-'));
  const kubeconfig = process.env['KUBECONFIG'];
  return {
    flags: [...kubectlArguments, '--cache-dir', join(home, 'cache')],
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      ...(kubeconfig === undefined ? {} : { KUBECONFIG: kubeconfig }),
    },
    close: () => rm(home, { recursive: true, force: true }),
  };
}
