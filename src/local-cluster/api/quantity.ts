/** Kubernetes quantities: `100m`, `1.5`, `128Mi`, `1e3`. */

/** Longer ones would be numbers of as many digits, and reckoning with these takes its time. */
const longest = 1000;
/** The digits behind the suffix need a letter or a sign before them: else there were many ways to read the same ones. */
const pattern = /^([+-]?)([0-9.]+)((?:[eEinumkKMGTP]+[-+]?[0-9]*|[-+][0-9]*)?)$/;

export const quantityPatternMessage =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

type Quantity = {
  /** In units of 10^-9, rounded up: finer parts do not exist. */
  nanos: bigint;
  format: 'decimal' | 'exponent' | 'binary';
};

const nanosPerUnit = 10n ** 9n;

function toScale(
  suffix: string,
): { factor: bigint; exponent: number; format: Quantity['format'] } | undefined {
  const binary = binarySuffixes.indexOf(suffix);
  if (binary > 0) return { factor: 1024n ** BigInt(binary), exponent: 0, format: 'binary' };
  const decimal = decimalSuffixes.indexOf(suffix);
  if (decimal >= 0) return { factor: 1n, exponent: (decimal - 3) * 3, format: 'decimal' };
  const exponent = /^[eE]([-+]?[0-9]{1,3})$/.exec(suffix)?.[1];
  return exponent === undefined ? undefined : { factor: 1n, exponent: Number(exponent), format: 'exponent' };
}

function parse(text: string): Quantity | undefined {
  if (text.length > longest) return undefined;
  const [, sign = '', number = '', suffix = ''] = pattern.exec(text) ?? [];
  const [, whole = '', fraction = ''] = /^([0-9]*)(?:\.([0-9]*))?$/.exec(number) ?? [];
  const scale = toScale(suffix);
  if (whole + fraction === '' || scale === undefined) return undefined;
  const digits = BigInt(whole + fraction) * scale.factor;
  const exponent = scale.exponent - fraction.length + 9;
  const divisor = 10n ** BigInt(Math.max(-exponent, 0));
  const size = exponent >= 0 ? digits * 10n ** BigInt(exponent) : (digits + divisor - 1n) / divisor;
  return { nanos: sign === '-' ? -size : size, format: scale.format };
}

/** As a number, exact enough to compare; undefined when the text is no quantity. */
export function findQuantity(text: string): number | undefined {
  const quantity = parse(text);
  return quantity === undefined ? undefined : Number(quantity.nanos) / 1e9;
}

/** Divides by the base as long as nothing is lost. */
function reduce(value: bigint, base: bigint, steps: number): { value: bigint; steps: number } {
  let reduced = { value, steps: 0 };
  while (reduced.steps < steps && reduced.value % base === 0n) {
    reduced = { value: reduced.value / base, steps: reduced.steps + 1 };
  }
  return reduced;
}

/** The one way in which the API server writes this amount: `1000` is `1k`, `0.5` is `500m`. undefined when it is no quantity. */
export function findCanonicalQuantity(text: string): string | undefined {
  const quantity = parse(text);
  if (quantity === undefined) return undefined;
  const { nanos, format } = quantity;
  if (nanos === 0n) return '0';
  const units = nanos / nanosPerUnit;
  if (format === 'binary' && nanos % nanosPerUnit === 0n && (units >= 1024n || units <= -1024n)) {
    const { value, steps } = reduce(units, 1024n, binarySuffixes.length - 1);
    return `${value}${binarySuffixes[steps] ?? ''}`;
  }
  const { value, steps } = reduce(nanos, 1000n, decimalSuffixes.length - 1);
  const exponent = (steps - 3) * 3;
  if (format === 'exponent') return exponent === 0 ? String(value) : `${value}e${exponent}`;
  return `${value}${decimalSuffixes[steps] ?? ''}`;
}
