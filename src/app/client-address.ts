import { isIP, isIPv4 } from 'node:net';
import type { Request } from 'express';

/**
 * What counts as one client: its IPv4 address, or the /64 that its IPv6 address is in, since one machine may use all of that. Behind
 * trusted proxies it is what they say, and behind any other, or where they say nothing that is an address, the proxy itself.
 */
export function addressOf(req: Request): string {
  return toAddressKey(req.ip ?? '') ?? toAddressKey(req.socket.remoteAddress ?? '') ?? '';
}

/** One key for all spellings of an address; undefined for what is none. A port is left out: it is another one for each connection. */
export function toAddressKey(text: string): string | undefined {
  const ip = withoutPort(text);
  if (isIPv4(ip)) return ip;
  if (isIP(ip) === 0) return undefined;
  const groups = toGroups(ip);
  const [ipv4High = 0, ipv4Low = 0] = groups.slice(6);
  if (groups.slice(0, 6).join() === '0,0,0,0,0,65535')
    return [ipv4High >> 8, ipv4High & 255, ipv4Low >> 8, ipv4Low & 255].join('.');
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/** Of `192.0.2.1:5678` or `[2001:db8::1]:5678`, as some proxies write it. */
function withoutPort(text: string): string {
  const [, ipv4, ipv6] = /^(?:([\d.]+)|\[([^\]]+)\])(?::\d+)?$/.exec(text) ?? [];
  return ipv4 ?? ipv6 ?? text;
}

/** The eight groups of an IPv6 address, after URL has brought it into its one canonical form, which knows no zones. */
function toGroups(ipv6: string): number[] {
  const { hostname } = new URL(`http://[${ipv6.replace(/%.*$/, '')}]`);
  const [left = [], right = []] = hostname
    .slice(1, -1)
    .split('::')
    .map((half) => (half === '' ? [] : half.split(':')).map((group) => Number.parseInt(group, 16)));
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}
