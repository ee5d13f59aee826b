/** Kubernetes quantities (`100m`, `1.5`, `128Mi`, `1e3`), as numbers exact enough to compare. */

const pattern = /^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$/;

export const quantityPatternMessage = `quantities must match the regular expression '${pattern.source}'`;

const suffixes: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** undefined when the text is no quantity. */
export function findQuantity(text: string): number | undefined {
  const match = pattern.exec(text);
  const [, number = '', suffix = ''] = match ?? [];
  if (match === null || Number.isNaN(Number(number))) return undefined;
  const factor = suffixes[suffix] ?? (/^[eE][-+]?[0-9]+$/.test(suffix) ? Number(`1${suffix}`) : undefined);
  return factor === undefined ? undefined : Number(number) * factor;
}
