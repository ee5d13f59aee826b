/**
 * What no two clusters agree on, replaced by its kind. The order matters: a uid must be masked before the digits in
 * it look like something else.
 */
const masks: [RegExp, string][] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<uid>'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/g, '<microtime>'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z/g, '<nanotime>'],
  [/\b(?!1970)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, '<time>'],
  [/[a-z-]+:\/\/[0-9a-f]{64}\b/g, '<container>'],
  [/\bsha256:[0-9a-f]{64}\b/g, '<image>'],
  [/\b\d{1,3}(\.\d{1,3}){3}\b/g, '<ip>'],
  [/\.[0-9a-f]{16}\b/g, '.<event>'],
  [/^ {2}resourceVersion: "\d+"/gm, '  resourceVersion: <version>'],
  // Made from a generateName that is refused.
  [/\bBad_[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, 'Bad_<random>'],
  [/\?hash=\w+/g, '?hash=<hash>'],
  [/<ip>:\d+/g, '<ip>:<port>'],
  [/\b(current: |version: 1 \()\d+/g, '$1<version>'],
];
export const mask = (text: string): string =>
  masks.reduce((masked, [pattern, kind]) => masked.replace(pattern, kind), text);

/** Ages and durations in a printed cell count the seconds of two different runs. */
export const maskCell = (cell: string): string =>
  mask(cell)
    .replace(/\b(\d+[dhms])+\b/g, '<age>')
    .replace(/<invalid>/g, '<age>');

/** Names that Kubernetes made end in five of these characters; there is no vowel among them, so no word is one. */
const randomEnding = /-[bcdfghjklmnpqrstvwxz2456789]{5}(?![a-z0-9])/g;

export const maskNames = (text: string): string => mask(text).replace(randomEnding, '-<random>');
