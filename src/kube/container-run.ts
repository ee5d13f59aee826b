import type { Answer, Connection } from './connection.ts';
import { toSeenPod } from './observation.ts';

/** The pod's place in the API, on a connection. */
export type PodPlace = { connection: Connection; podPath: string };

/** A run of the pod's main container, by the number of restarts before it. */
export type ContainerRun = { restarts: number; isRunning: boolean };

/** The latest run, as the cluster knows it now; null for a pod that is gone. */
export async function findRun(
  { connection, podPath }: PodPlace,
  signal: AbortSignal,
): Promise<Answer<ContainerRun | null>> {
  const answer = await connection.call({ method: 'GET', path: podPath }, signal);
  if (!answer.ok) return answer.failure.reason === 'NotFound' ? { ok: true, value: null } : answer;
  const pod = toSeenPod(answer.value)?.observation;
  if (pod === undefined) return { ok: true, value: null };
  return {
    ok: true,
    value: { restarts: pod.restarts, isRunning: pod.startedAt !== null && pod.exitCode === null },
  };
}
