import type { ApiClient } from './api-client.ts';
import { createBindings, type Bindings } from './bindings.ts';
import { recordedImage, type ClusterUnderTest } from './cluster-under-test.ts';
import { demand } from './demands.ts';
import { spellCommand } from './known-differences.ts';
import { listAt, textAt, type Json, type JsonObject } from './json.ts';
import { loadRecording, type Recording } from './recording.ts';
import type { Voice } from './voice.ts';
import { until } from '../support/until.ts';

/** Where one recording is played again: a namespace of its own, and what is known of it so far. */
export type Theatre = {
  cluster: ClusterUnderTest;
  /** In which the recorded requests are made, and what happens is watched. */
  voice: Voice;
  /** Plain HTTP, for what the suite itself has to do and to know. */
  client: ApiClient;
  namespace: string;
  recording: Recording;
  bindings: Bindings;
};

export async function openTheatre(cluster: ClusterUnderTest, voice: Voice, name: string): Promise<Theatre> {
  const recordedNamespace = `demo-${name.slice(0, 2)}`;
  const namespace = await cluster.createNamespace(`conformance-${name.slice(0, 2)}`);
  const bindings = createBindings();
  bindings.learn('node-1', cluster.nodeName);
  bindings.learn('default-scheduler-node-1', `default-scheduler-${cluster.nodeName}`);
  const isLocal = cluster.kind === 'local';
  const spell = (text: string, key: string) => {
    const own = padding[text] ?? text;
    const spelled = own.replaceAll(recordedNamespace, namespace).replaceAll(recordedImage, cluster.image);
    return isLocal && (key === 'command' || key === 'args') ? spellCommand(spelled) : spelled;
  };
  // Pods of the local cluster have no token: it would open nothing.
  const recording = loadRecording(name, spell, { withTokens: !isLocal });
  return { cluster, voice, client: cluster.client, namespace, recording, bindings };
}

/** Bodies that the recorder described instead of keeping them. */
const padding: Record<string, string> = {
  '(262145 times x)': 'x'.repeat(262_145),
  '(a Job with 3200000 bytes of padding)': JSON.stringify({ kind: 'Job', padding: 'x'.repeat(3_200_000) }),
};

/** A manifest in the manner of the recordings: one container `main`, which runs the script in a shell. */
export function jobManifest(theatre: Theatre, name: string, script: string, more: More = {}) {
  const { image, kind } = theatre.cluster;
  const command = ['sh', '-c', kind === 'local' ? spellCommand(script) : script];
  const container = { name: 'main', image, imagePullPolicy: 'IfNotPresent', command, ...more.container };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      ...more.spec,
      template: { spec: { restartPolicy: 'Never', containers: [container], ...more.pod } },
    },
  };
}

type More = { spec?: JsonObject; pod?: JsonObject; container?: JsonObject };

export const jobsPath = ({ namespace }: Theatre, name = ''): string =>
  `/apis/batch/v1/namespaces/${namespace}/jobs${name && `/${name}`}`;

/** The only pod of a Job, as soon as it fulfils the condition. */
export const podOf = (theatre: Theatre, job: string, fulfils: (pod: Json) => boolean): Promise<Json> =>
  until(
    async () => {
      const path = `/api/v1/namespaces/${theatre.namespace}/pods?labelSelector=job-name%3D${job}`;
      const pods = await demand(theatre.client, { method: 'GET', path });
      return listAt(pods.body, 'items').find(fulfils);
    },
    { timeoutMs: 60_000, everyMs: 100 },
  );

export const hasPhase =
  (...phases: string[]) =>
  (pod: Json): boolean =>
    phases.includes(textAt(pod, 'status', 'phase'));

/** Binds the pod names that the recorded requests and answers mention, where no watch tells which is which. */
export async function bindPodNames(theatre: Theatre, jobs: string[]): Promise<void> {
  const text = JSON.stringify(theatre.recording.steps);
  for (const job of jobs) {
    const recorded = new RegExp(`\\b${job}-[bcdfghjklmnpqrstvwxz2456789]{5}\\b`).exec(text)?.[0];
    const pod = await podOf(theatre, job, () => true);
    if (recorded) theatre.bindings.learn(recorded, textAt(pod, 'metadata', 'name'));
  }
}
