import { until } from '../support/until.ts';
import { startChild } from './child-process.ts';
import type { Child } from './child-process.ts';
import type { SourceEdit } from './source-edits.ts';

export type ServiceOptions = {
  databasePath: string;
  kubeconfigPath: string;
  port: number;
  env?: Record<string, string>;
  launcher?: readonly string[];
};

/** The service as it is started by hand, again and again on the same port and database. */
export function createServiceProcess({
  databasePath,
  kubeconfigPath,
  port,
  env = {},
  launcher = [],
}: ServiceOptions) {
  const url = `http://127.0.0.1:${port}`;
  const lives: Child[] = [];

  function current(): Child {
    const life = lives.at(-1);
    if (life === undefined) throw new Error('the service was never started');
    return life;
  }

  /** Does not wait. `edits` and `preloads` (programs of this repository) hold for this life alone. */
  function start(edits: readonly SourceEdit[] = [], preloads: readonly string[] = []): void {
    const imports = [...(edits.length === 0 ? [] : ['./test/faults/source-edits.ts']), ...preloads];
    lives.push(
      startChild(
        [...imports.flatMap((file) => ['--import', file]), 'src/app/main.ts'],
        {
          PORT: String(port),
          DATABASE_PATH: databasePath,
          CLUSTER: 'kubeconfig',
          KUBECONFIG: kubeconfigPath,
          LOG_LEVEL: 'warn',
          ...(edits.length === 0 ? {} : { SOURCE_EDITS: JSON.stringify(edits) }),
          ...env,
        },
        launcher,
      ),
    );
  }

  /** Throws for a life that ended before it was ready. */
  async function untilReady({ timeoutMs }: { timeoutMs?: number } = {}): Promise<void> {
    const life = current();
    const isReady = async () => {
      if (life.hasEnded()) throw new Error(`the service ended: ${life.errors.slice(-5).join('\n')}`);
      return (await readyz())?.status === 200;
    };
    await until(isReady, timeoutMs === undefined ? {} : { timeoutMs });
  }

  /** What `/readyz` says; undefined when nobody answers. */
  async function readyz(): Promise<{ status: number; text: string } | undefined> {
    try {
      const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2000) });
      return { status: answer.status, text: await answer.text() };
    } catch {
      return undefined;
    }
  }

  return {
    url,
    databasePath,
    start,
    untilReady,
    readyz,
    pid: () => current().pid,
    hasEnded: () => current().hasEnded(),
    /** Resolves when this life is over, however it ends. */
    ended: () => current().closed,
    kill: () => current().end('SIGKILL'),
    stop: () => current().end('SIGTERM'),
    /** What all lives wrote to their logs. */
    logLines: () => lives.flatMap(({ errors }) => errors),
  };
}
