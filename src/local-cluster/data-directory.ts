import { accessSync, chmodSync, constants, mkdirSync, readdirSync } from 'node:fs';
import { codeOf, LocalClusterFault } from './faults.ts';

const ours = 'cluster.db';

/**
 * Makes the directory, or takes one that is empty or that a local cluster has used before, and closes it to other
 * users: it holds the key to start programs. Anything else there is refused rather than closed. Throws LocalClusterFault.
 */
export function claimDataDirectory(dataDir: string): void {
  let names: string[];
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    names = readdirSync(dataDir);
  } catch (error) {
    throw new LocalClusterFault(
      `the data directory ${dataDir} cannot be used: ${codeOf(error) ?? String(error)}`,
    );
  }
  if (names.length > 0 && !names.includes(ours)) {
    throw new LocalClusterFault(
      `the data directory ${dataDir} holds other files: choose an empty or a new one`,
    );
  }
  chmodSync(dataDir, 0o700);
}
