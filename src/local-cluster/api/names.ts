import { randomInt } from 'node:crypto';

// Kubernetes' own alphabet: no vowels, so that no words come out, and none of the digits that look like letters.
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

const randomSuffix = (length: number): string =>
  Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');

/** The base is cut so that base and suffix stay within 63 characters. */
export const generateName = (base: string): string => base.slice(0, 58) + randomSuffix(5);
