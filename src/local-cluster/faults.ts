/** A fault of what the user asked for: one sentence, to be shown without a stack. */
export class LocalClusterFault extends Error {
  override readonly name = 'LocalClusterFault';
}

/** The code of a system error, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** The file that a system error is about; of two, the one that was to be written. */
export function pathOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const path = 'dest' in error ? error.dest : 'path' in error ? error.path : undefined;
  return typeof path === 'string' ? path : undefined;
}
