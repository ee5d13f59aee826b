/** What may lead somebody here from beyond this machine. */
export type Reach = {
  host: string;
  PUBLIC_URL?: string | undefined;
  ALLOWED_HOSTS: readonly string[];
  TRUSTED_PROXIES: readonly string[];
};

/**
 * What says that people come from beyond this machine, as half a sentence that names the variable; undefined where nothing does. The
 * address alone does not tell: a proxy on this machine brings everybody to a loopback one, and shows in the names that are ours then.
 */
export function findExposure({
  host,
  PUBLIC_URL,
  ALLOWED_HOSTS,
  TRUSTED_PROXIES,
}: Reach): string | undefined {
  if (!isLoopback(host)) return `HOST is not a loopback address (it is ${JSON.stringify(host)})`;
  if (PUBLIC_URL !== undefined && !isLoopback(new URL(PUBLIC_URL).hostname))
    return `PUBLIC_URL leads here from elsewhere (it is ${JSON.stringify(PUBLIC_URL)})`;
  const foreign = ALLOWED_HOSTS.find((name) => !isLoopback(name.replace(/:\d+$/, '')));
  if (foreign !== undefined) return `ALLOWED_HOSTS names more than this machine (${JSON.stringify(foreign)})`;
  if (TRUSTED_PROXIES.length > 0) return 'TRUSTED_PROXIES says that there is a proxy before it';
  return undefined;
}

/** A name or address that leads to this machine alone; an IPv6 address with or without its brackets. */
function isLoopback(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|localhost|::1|\[::1\])$/i.test(host);
}
