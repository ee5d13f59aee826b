import { join } from 'node:path';
import { AppError } from '../core/app-error.ts';
import type { Place } from '../core/cluster-rights.ts';
import { isNamespaceName } from '../core/names.ts';
import type { ClusterChoice, Config } from './config.ts';

/** Where a configuration leads to; `contextNamespace` is that of the kubeconfig's context, or of the pod we run in. */
export function toPlace(
  { cluster, namespace }: Pick<Config, 'cluster' | 'namespace'>,
  contextNamespace: string | undefined,
): Place {
  const ofJobs = namespace ?? contextNamespace ?? 'jobspawn-jobs';
  if (!isNamespaceName(ofJobs)) throw new AppError('invalid', `"${ofJobs}" is no name of a namespace.`);
  const isInPod = cluster.kind === 'in-cluster';
  return {
    kind: cluster.kind,
    namespace: ofJobs,
    ownNamespace: isInPod ? (contextNamespace ?? null) : null,
  };
}

/** Where the local cluster puts its kubeconfig. */
export function kubeconfigOf({ dataDir }: Extract<ClusterChoice, { kind: 'local' }>): string {
  return join(dataDir, 'kubeconfig');
}

/** How pods reach us, and on which port reports are taken; a port that the system chose is known only to the running service. */
export function toCallback(
  { callbackUrl, host, port, web: { callbackPort } }: Pick<Config, 'callbackUrl' | 'host' | 'port' | 'web'>,
  listening: { port: number; callbackPort: number } = { port, callbackPort: callbackPort ?? port },
) {
  return {
    url: callbackUrl ?? `http://${toUrlHost(host)}:${listening.callbackPort}`,
    port: listening.callbackPort,
    pagePort: listening.port,
  };
}

/**
 * The HOST that we listen on, as this machine can open it in a URL and as browsers name it in `Host`. Every address includes
 * 127.0.0.1; what no URL can hold, such as an address with a zone, is taken for that as well.
 */
export function toUrlHost(host: string): string {
  const name = URL.parse(`http://${host.includes(':') ? `[${host}]` : host}`)?.hostname;
  return name === undefined || name === '0.0.0.0' || name === '[::]' ? '127.0.0.1' : name;
}
