import type { ClusterUnderTest } from './cluster-under-test.ts';
import { createClientNodeVoice } from './client-node-voice.ts';
import { findKubectl } from './kubectl-program.ts';
import { openKubectlVoice } from './kubectl-voice.ts';
import { plainVoice, type Voice } from './voice.ts';

/** All that this machine can speak to the cluster. Says so where kubectl is not among them. */
export async function openVoices(cluster: ClusterUnderTest): Promise<Voice[]> {
  const voices = [plainVoice(cluster.client), createClientNodeVoice(cluster.config)];
  if (findKubectl() !== undefined) return [...voices, await openKubectlVoice(cluster)];
  process.stderr.write('conformance: there is no kubectl on the PATH; the recordings are not asked by it\n');
  return voices;
}
