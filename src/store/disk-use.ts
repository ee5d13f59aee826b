import { statSync } from 'node:fs';

/** The file and its write-ahead log, in bytes. */
export function diskUse(path: string): number {
  const sizes = [path, `${path}-wal`].map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  return sizes.reduce((sum, size) => sum + size, 0);
}
