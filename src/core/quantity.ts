const powers: Record<string, number> = {
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

/** A Kubernetes quantity (`100m`, `1.5Gi`, `2e3`) as a number that is near enough to compare by; null where it is none. */
export function parseQuantity(text: string): number | null {
  const [, number = '', unit = ''] =
    /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([a-zA-Z]*)$/.exec(text) ?? [];
  const power = Object.hasOwn(powers, unit) ? powers[unit] : undefined;
  return number === '' || power === undefined ? null : Number(number) * power;
}

/** The same the other way round, in the unit that the example is written in, as far as there is one. */
export function toQuantity(amount: number, like: string): string {
  const [, unit = ''] = /([a-zA-Z]+)$/.exec(like) ?? [];
  const power = Object.hasOwn(powers, unit) ? (powers[unit] ?? 1) : 1;
  return `${Math.round((amount / power) * 1000) / 1000}${power === 1 ? '' : unit}`;
}
