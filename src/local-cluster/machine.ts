import { statfsSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';

/** The one node of the cluster: this machine. */
export type Machine = {
  name: string;
  address: string;
  labels: Record<string, string>;
  /** What a pod may ask for: cores and bytes. */
  capacity: Record<string, number>;
};

const architectures: Partial<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** `directory` is on the disk that pods write to. */
export function describeMachine(directory: string): Machine {
  const name = 'local';
  const disk = statfsSync(directory);
  return {
    name,
    address: '127.0.0.1',
    labels: {
      'kubernetes.io/arch': architectures[process.arch] ?? process.arch,
      'kubernetes.io/hostname': name,
      'kubernetes.io/os': process.platform,
    },
    capacity: {
      cpu: availableParallelism(),
      memory: totalmem(),
      'ephemeral-storage': disk.bsize * disk.blocks,
    },
  };
}
