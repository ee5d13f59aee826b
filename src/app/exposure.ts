/** What may lead somebody here from beyond this machine. */
export type Reach = {
  host: string;
  PUBLIC_URL?: string | undefined;
  ALLOWED_HOSTS: readonly string[];
  TRUSTED_PROXIES: readonly string[];
};

/** That people come from beyond this machine, and which variable says so, as half a sentence. */
export type Exposure = {
  by: 'address' | 'proxy';
  because: string;
};

/**
 * undefined where nothing says so. The address alone does not tell: a proxy on this machine brings everybody to a loopback one, and
 * shows in the names that are ours then.
 */
export function findExposure({
  host,
  PUBLIC_URL,
  ALLOWED_HOSTS,
  TRUSTED_PROXIES,
}: Reach): Exposure | undefined {
  if (!isLoopback(host))
    return { by: 'address', because: `HOST is not a loopback address (it is ${JSON.stringify(host)})` };
  if (PUBLIC_URL !== undefined && !isLoopback(new URL(PUBLIC_URL).hostname))
    return byProxy(`PUBLIC_URL leads here from elsewhere (it is ${JSON.stringify(PUBLIC_URL)})`);
  const foreign = ALLOWED_HOSTS.find((name) => !isLoopback(name.replace(/:\d+$/, '')));
  if (foreign !== undefined)
    return byProxy(`ALLOWED_HOSTS names more than this machine (${JSON.stringify(foreign)})`);
  if (TRUSTED_PROXIES.length > 0) return byProxy('TRUSTED_PROXIES says that there is a proxy before it');
  return undefined;
}

function byProxy(because: string): Exposure {
  return { by: 'proxy', because };
}

/** A name or address that leads to this machine alone; an IPv6 address with or without its brackets. */
function isLoopback(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|localhost|::1|\[::1\])$/i.test(host);
}
