/** The alphabet of Kubernetes' own generated names: no vowels, no look-alikes. */
const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';
const suffixLength = 10;

/** Job name, '-', suffix, '-' and a task index of up to 5 digits must fit a DNS label of 63 characters. */
const longestPrefix = 63 - 1 - suffixLength - 1 - 5;

/** The start of a Kubernetes name for a free text: its ASCII slug, or `job` if nothing is left of it. */
export function toNamePrefix(name: string): string {
  const slug = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, longestPrefix)
    .replace(/-+$/, '');
  return slug === '' ? 'job' : slug;
}

/**
 * The suffix that is drawn once, at accept. `random` fills a byte array, as node:crypto's randomFillSync does.
 * 10 of 27 characters are 47 bits; bytes from 243 (9 x 27) up are thrown away, so that no character is likelier.
 */
export function drawNameSuffix(random: (bytes: Uint8Array) => Uint8Array): string {
  let suffix = '';
  while (suffix.length < suffixLength) {
    for (const byte of random(new Uint8Array(suffixLength))) {
      if (byte < 243 && suffix.length < suffixLength) suffix += suffixAlphabet.charAt(byte % 27);
    }
  }
  return suffix;
}

const dns1123Label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const dns1123Subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

export function isNamespaceName(text: string): boolean {
  return dns1123Label.test(text);
}

/** Pods, Jobs and most other objects. Checked before every call: the client lets `..` through into the path. */
export function isObjectName(text: string): boolean {
  return text.length <= 253 && dns1123Subdomain.test(text);
}
