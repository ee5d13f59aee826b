import type { Request } from 'express';

const mappedIpv4 = /^::ffff:(\d+(?:\.\d+){3})$/i;

/**
 * What counts as one client: its IPv4 address, or the /64 that its IPv6 address is in, since one machine may use all of that. Behind
 * trusted proxies it is what they say, and behind any other the proxy itself.
 */
export function addressOf(req: Request): string {
  return toAddressKey(req.ip ?? '');
}

export function toAddressKey(ip: string): string {
  const ipv4 = mappedIpv4.exec(ip)?.[1];
  if (ipv4 !== undefined || !ip.includes(':')) return ipv4 ?? ip;
  const [left, right] = ip.split('::', 2).map((part) => (part === '' ? [] : part.split(':')));
  const groups = [...(left ?? [])];
  if (right !== undefined) while (groups.length + right.length < 8) groups.push('0');
  return `${[...groups, ...(right ?? [])].slice(0, 4).join(':')}::/64`;
}
