import { setTimeout as delay } from 'node:timers/promises';
import { startProcessMetrics } from '../metrics/process-metrics.ts';
import { parseConfig } from './config.ts';
import { tellFault } from './exit-code.ts';
import { startApp } from './start-app.ts';
import type { App } from './start-app.ts';

/** The first look at a cluster that answers takes less; of one that takes longer the log and `/readyz` tell. */
const firstLookMs = 3000;

// Heard from the first moment on: a signal during the start stops what has been started.
const stopSignal = new Promise<void>((resolve) => {
  process.once('SIGTERM', () => resolve());
  process.once('SIGINT', () => resolve());
});

try {
  const app = await startApp(parseConfig(process.env), { processMetrics: startProcessMetrics() });
  // The cluster may turn out to be another one long after the start, when it is reached at last.
  try {
    await Promise.race([stopSignal, app.failed, firstLook(app)]);
    console.log(greeting(app));
    await Promise.race([stopSignal, app.failed]);
  } finally {
    await app.stop();
  }
  process.exit(0);
} catch (error) {
  process.exit(tellFault(error));
}

/** Resolves when the service is ready, or will not be soon. */
async function firstLook({ readiness }: App): Promise<void> {
  const until = performance.now() + firstLookMs;
  while (!readiness().ready && readiness().watches !== null && performance.now() < until) await delay(10);
}

function greeting({ url, kubeconfigPath, readiness }: App): string {
  const { ready, degraded } = readiness();
  const page = ready
    ? `Jobspawn is ready: ${url}/jobs`
    : `Jobspawn listens, and is not ready yet: ${url}/jobs\n${degraded.join('\n')}`.trimEnd();
  if (kubeconfigPath === undefined) return page;
  return `${page}\nFor kubectl, the kubeconfig of its local cluster:\n${kubeconfigPath}`;
}
