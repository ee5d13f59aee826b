import type { V1Volume } from '@kubernetes/client-node';
import type { EventRecorder } from '../event-recorder.ts';
import type { Pod, Wire } from '../objects.ts';
import { delayBefore, pause } from './backoff.ts';

const retry = { initialMs: 500, maxMs: 122_000 };

/**
 * Resolves at once when nothing is missing. A volume from a ConfigMap or a Secret, of which this cluster has none,
 * keeps the pod waiting until the signal is aborted, with the events of a real kubelet. Other volumes are ignored:
 * nothing can be mounted for a plain process.
 */
export async function mountVolumes(
  pod: Pod,
  { events, signal }: { events: EventRecorder; signal: AbortSignal },
): Promise<void> {
  const missing = (pod.spec.volumes ?? []).map(findMissing).find((fault) => fault !== undefined);
  if (missing === undefined) return;
  for (let tries = 1; !signal.aborted; tries += 1) {
    events.record({
      about: pod,
      type: 'Warning',
      reason: 'FailedMount',
      message: missing,
      component: 'kubelet',
    });
    await pause(delayBefore(tries, retry), signal);
  }
}

function findMissing({
  name,
  configMap,
  secret,
  projected,
  persistentVolumeClaim,
}: Wire<V1Volume>): string | undefined {
  const wanted = [
    { kind: 'configmap', ...configMap },
    { kind: 'secret', name: secret?.secretName, optional: secret?.optional },
    { kind: 'persistentvolumeclaim', name: persistentVolumeClaim?.claimName, optional: false },
    ...(projected?.sources ?? []).flatMap((source) => [
      { kind: 'configmap', ...source.configMap },
      { kind: 'secret', ...source.secret },
    ]),
  ];
  const fault = wanted.find((source) => source.name !== undefined && !source.optional);
  return fault && `MountVolume.SetUp failed for volume "${name}" : ${fault.kind} "${fault.name}" not found`;
}
