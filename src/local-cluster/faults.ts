/** A fault of what the user asked for: one sentence, to be shown without a stack. */
export class LocalClusterFault extends Error {
  override readonly name = 'LocalClusterFault';
}

/** The code of a system error, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
