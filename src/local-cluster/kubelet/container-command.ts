import type { V1Container } from '@kubernetes/client-node';
import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import type { Machine } from '../machine.ts';
import type { Pod, Wire } from '../objects.ts';
import type { ContainerCommand } from './container-process.ts';
import { StartError } from './container-process.ts';
import { ContainerConfigError, readPodEnvironment } from './environment.ts';
import { expand } from './expansion.ts';
import type { ImageMapping } from './image.ts';

const standardPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export type CommandSource = {
  pod: Pod;
  container: Wire<V1Container>;
  machine: Machine;
  image: ImageMapping;
  /** The pod's private directory: where its containers start, and their HOME. */
  scratch: string;
  terminationMessageFile: string;
};

/**
 * What to run for a container. Nothing of this process's own environment goes in.
 * Throws ContainerConfigError when something that it refers to is missing.
 */
export function toCommand(source: CommandSource): ContainerCommand {
  const { pod, container, image, scratch } = source;
  const own = readPodEnvironment(source);
  const args = container.args ?? [];
  const command = container.command ?? [];
  const fallback = args.length > 0 || command.length > 0 ? [] : image.cmd;
  const argv = [
    ...(command.length > 0 ? command.map((part) => expand(part, own)) : image.entrypoint),
    ...args.map((part) => expand(part, own)),
    ...fallback,
  ];
  if (argv.length === 0) throw new ContainerConfigError('no command specified', 'CreateContainerError');
  return {
    argv,
    env: {
      PATH: standardPath,
      HOSTNAME: (pod.spec.hostname ?? pod.metadata.name).slice(0, 63),
      HOME: scratch,
      ...image.env,
      ...Object.fromEntries(own),
      KUBERNETES_TERMINATION_MESSAGE_PATH: source.terminationMessageFile,
    },
    cwd: container.workingDir ?? image.workingDir ?? scratch,
  };
}

/**
 * Finds the program as runc would, so that a wrong one is told apart from one that ran and failed: the shell at the
 * gate would only answer 126 or 127. Throws StartError with runc's words.
 */
export function checkCommand({ argv: [program = ''], env, cwd }: ContainerCommand): void {
  const refuse = (why: string): never => {
    throw new StartError(`exec: ${JSON.stringify(program)}: ${why}`);
  };
  if (!isDirectory(cwd))
    throw new StartError(
      `chdir to cwd (${JSON.stringify(cwd)}) set in config.json failed: no such file or directory`,
    );
  if (!program.includes('/')) {
    const places = (env['PATH'] ?? '').split(':').map((place) => resolve(cwd, place, program));
    if (program === '' || !places.some((place) => isFile(place) && isExecutable(place))) {
      refuse('executable file not found in $PATH');
    }
    return;
  }
  const path = isAbsolute(program) ? program : join(cwd, program);
  if (isDirectory(path)) refuse('is a directory');
  if (!isFile(path)) refuse(`stat ${program}: no such file or directory`);
  if (!isExecutable(path)) refuse('permission denied');
}

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
const isDirectory = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
