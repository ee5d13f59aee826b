/** The code of a system error, such as `ENOENT`; by its shape, since an error of another realm is no `instanceof` of ours. */
export function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
