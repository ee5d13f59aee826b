import { startChild } from '../test/faults/child-process.ts';
import { findFreePort } from '../test/faults/free-port.ts';
import { until } from '../test/support/until.ts';

/** As `npm start` has them. */
export const startFlags = ['--max-semi-space-size=8'];
export const startEnv = { NODE_COMPILE_CACHE: 'node_modules/.cache/jobspawn' };

/** A program that has come so far that it is of use, and how long that took. */
export type Ready = { pid: number; readyMs: number; stop: () => Promise<void> };

export type TimedService = Ready & {
  url: string;
  /** For how many ms its event loop was held up at most; once it has stopped, and where that was watched. */
  longestHold: () => number;
};

/** The service as `npm start` has it, timed from nothing to the first 200 of `/readyz`. */
export async function startTimedService({
  env,
  watchLoop = false,
  launcher = [],
}: {
  env: Record<string, string>;
  watchLoop?: boolean;
  launcher?: readonly string[];
}): Promise<TimedService> {
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const preload = watchLoop ? ['--import', './bench/loop-watch.ts'] : [];
  const began = performance.now();
  const variables = { ...startEnv, PORT: String(port), LOG_LEVEL: 'warn', ...env };
  const child = startChild([...startFlags, ...preload, 'src/app/main.ts'], variables, launcher);
  const stop = async () => void (await child.end('SIGTERM'));
  try {
    await until(
      async () => {
        if (child.hasEnded()) throw new Error(`the service ended: ${child.errors.slice(-5).join('\n')}`);
        return (await fetch(`${url}/readyz`).catch(() => undefined))?.status === 200;
      },
      { everyMs: 2, timeoutMs: 60_000 },
    );
  } catch (error) {
    await stop();
    throw error;
  }
  const readyMs = performance.now() - began;
  const longestHold = () => {
    const said = child.errors.findLast((line) => line.startsWith('the event loop was held up'));
    if (said === undefined) throw new Error('nobody has watched the event loop');
    return Number(/at most ([\d.]+) ms/.exec(said)?.[1]);
  };
  return { url, pid: child.pid, readyMs, stop, longestHold };
}
