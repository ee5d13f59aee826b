import { accessSync, chmodSync, constants, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf, LocalClusterFault } from './faults.ts';

const ours = 'cluster.db';

/**
 * Makes the directory, or takes one that is empty or that a local cluster has used before, and closes it to other
 * users: it holds the key to start programs. Anything else there is refused rather than closed. Throws LocalClusterFault.
 */
export function claimDataDirectory(dataDir: string): void {
  let names: string[];
  try {
    makeMissing(dataDir);
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

/** Not by `recursive`, with which Node never returns where a directory is there and takes no other one, as in /proc. */
function makeMissing(directory: string): void {
  if (existsSync(directory)) return;
  makeMissing(dirname(directory));
  mkdirSync(directory, { mode: 0o700 });
}
