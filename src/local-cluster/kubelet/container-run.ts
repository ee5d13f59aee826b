import type { V1Container, V1ContainerState } from '@kubernetes/client-node';
import type { Wire } from '../objects.ts';

export type ContainerState = Wire<V1ContainerState>;

/** `init` runs to its end before the next; `sidecar` is an init container that keeps running beside the main ones. */
export type ContainerRole = 'init' | 'sidecar' | 'main';

/** One container of a pod, over all its runs. The pod's status is made from these. */
export type ContainerRun = {
  spec: Wire<V1Container>;
  role: ContainerRole;
  state: ContainerState;
  lastState: ContainerState;
  restartCount: number;
  /** Of the last run that was made; undefined until there is one. */
  containerID?: string;
  imageID: string;
};

export const isRunning = ({ state }: ContainerRun) => state.running !== undefined;
export const exitCodeOf = ({ state }: ContainerRun) => state.terminated?.exitCode;
