import type { Machine } from '../machine.ts';
import type { Registry } from '../registry-contract.ts';
import { markUnknownEnds, toRuns } from './pod-runs.ts';
import { isFinal, toPodStatus } from './pod-status.ts';
import type { ProcessTable } from './process-table.ts';

/**
 * What a machine does after it went down: kills what an earlier cluster left running, and ends the pods that had
 * begun. They cannot be taken up again, and must be over before a controller looks at them. Pods that had not started
 * a process are left for the kubelet to begin anew. Pods that were being deleted and are over may go.
 */
export async function recoverPods(
  registry: Registry,
  { processes, machine }: { processes: ProcessTable; machine: Machine },
): Promise<{ ended: number }> {
  const strays = await processes.killStrays();
  let ended = 0;
  for (const pod of registry.list('pods').filter(({ spec }) => spec.nodeName === machine.name)) {
    const { uid, name, namespace = '', deletionTimestamp } = pod.metadata;
    const runs = toRuns(pod);
    const over = isFinal(pod.status.phase);
    const begun = strays.has(uid) || runs.some(({ containerID }) => containerID !== undefined);
    if (!over && begun) {
      markUnknownEnds(runs);
      const view = { runs, address: machine.address, sandbox: false, addressed: true, settled: true };
      registry.update('pods', { namespace, name, uid }, (draft) => {
        draft.status = toPodStatus(draft, view, new Date());
      });
      ended += 1;
    }
    if (deletionTimestamp !== undefined && (over || begun)) {
      registry.delete('pods', { namespace, name }, { gracePeriodSeconds: 0 });
    }
  }
  return { ended };
}
