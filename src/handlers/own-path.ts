const anywhere = 'http://own.invalid';

/**
 * The path to go to, if it is one of ours; else the jobs. What browsers make of it counts: they read `\` as `/`, drop tabs, and take `//`
 * at the beginning for another host, also where dots in the path lead there.
 */
export function toOwnPath(asked: string | undefined): string {
  if (asked === undefined || !asked.startsWith('/') || !URL.canParse(asked, anywhere)) return '/jobs';
  const { origin, pathname, search } = new URL(asked, anywhere);
  return origin === anywhere && !pathname.startsWith('//') ? pathname + search : '/jobs';
}
