/** Divided by, since then `4350m` is the very number that `4.35` is. */
const fractions: Record<string, number> = { n: 1e9, u: 1e6, m: 1e3 };

const powers: Record<string, number> = {
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

const pattern = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([a-zA-Z]*)$/;

/** A Kubernetes quantity (`100m`, `1.5Gi`, `2e3`) as a number that is near enough to compare by; null where it is none. */
export function parseQuantity(text: string): number | null {
  const [, number = '', unit = ''] = pattern.exec(text) ?? [];
  if (number === '') return null;
  if (Object.hasOwn(fractions, unit)) return Number(number) / (fractions[unit] ?? 1);
  return Object.hasOwn(powers, unit) ? Number(number) * (powers[unit] ?? 1) : null;
}

/** The same the other way round, in the unit that the example is written in, as far as there is one. */
export function toQuantity(amount: number, like: string): string {
  const [, unit = ''] = /([a-zA-Z]+)$/.exec(like) ?? [];
  const size = parseQuantity(`1${unit}`) ?? 1;
  return `${Math.round((amount / size) * 1000) / 1000}${size === 1 ? '' : unit}`;
}
