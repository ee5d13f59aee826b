import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { codeOf, LocalClusterFault } from './faults.ts';

const contextName = 'jobspawn-local';

/**
 * The secret part of the server's address, 128 random bits, made at the first start and kept: a kubeconfig that was
 * copied goes on to work as long as the port is the same. Who knows it may run programs as this user.
 * Throws LocalClusterFault.
 */
export function keepUrlPrefix(dataDir: string): string {
  const file = join(dataDir, 'url-prefix');
  const kept = readIfThere(file)?.trim();
  if (kept === undefined) {
    const prefix = `/${randomBytes(16).toString('hex')}`;
    writeSecret(file, `${prefix}\n`);
    return prefix;
  }
  if (/^\/[0-9a-f]{32}$/.test(kept)) return kept;
  // A new one would lock out every copy of the kubeconfig, and nobody would know why.
  throw new LocalClusterFault(`${file} holds something else than a slash and 32 hex digits`);
}

/** Writes the file with which kubectl and client-node reach the cluster, and returns its path. */
export function writeKubeconfig(dataDir: string, url: string): string {
  const file = join(dataDir, 'kubeconfig');
  writeSecret(
    file,
    dump({
      apiVersion: 'v1',
      kind: 'Config',
      // Over plain http client-node asks for this flag; there is no certificate that it could weaken.
      clusters: [{ name: contextName, cluster: { server: url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: contextName, user: {} }],
      contexts: [
        { name: contextName, context: { cluster: contextName, user: contextName, namespace: 'default' } },
      ],
      'current-context': contextName,
    }),
  );
  return file;
}

/** In one step, so that nobody reads half a file, and for this user alone from the first byte on. */
function writeSecret(file: string, text: string): void {
  const draft = `${file}.new`;
  writeFileSync(draft, text, { mode: 0o600 });
  try {
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft);
    throw error;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return undefined;
    throw new LocalClusterFault(`${file} cannot be read: ${code}`);
  }
}
