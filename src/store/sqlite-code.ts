/**
 * SQLite's word for what went wrong, such as `SQLITE_FULL`, or ''. Read by shape: the driver is native code that is loaded once
 * for all realms of a process, so that its errors need not be instances of this one's class.
 */
export function toSqliteCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' && error.code.startsWith('SQLITE_') ? error.code : '';
}
