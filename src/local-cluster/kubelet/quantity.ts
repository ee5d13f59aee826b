const multipliers: Record<string, number> = {
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

/** A Kubernetes quantity (`1500m`, `64Mi`, `1e3`) as a number of its base unit: cores or bytes. Throws on another text. */
export function parseQuantity(text: string): number {
  const [, digits, suffix = ''] = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/.exec(text) ?? [];
  const multiplier = multipliers[suffix];
  if (digits === undefined || multiplier === undefined) throw new Error(`${JSON.stringify(text)} is not a quantity`);
  return Number(digits) * multiplier;
}
