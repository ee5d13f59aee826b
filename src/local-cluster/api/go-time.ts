/** Times as Go's decoder takes them, and as Kubernetes stores them: in UTC. */

/** metav1.Time is kept in whole seconds, metav1.MicroTime with six digits more. */
export type TimePrecision = 'seconds' | 'microseconds';

type Element = readonly [name: string, shape: RegExp];

const untilSeconds: readonly Element[] = [
  ['2006', /^\d{4}/],
  ['-', /^-/],
  ['01', /^\d\d/],
  ['-', /^-/],
  ['02', /^\d\d/],
  ['T', /^T/],
  ['15', /^\d\d/],
  [':', /^:/],
  ['04', /^\d\d/],
  [':', /^:/],
];
const zone: Element = ['Z07:00', /^(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)/];

/** Seconds may have any fraction, which is then dropped; of microseconds there must be six digits. */
const layouts: Record<TimePrecision, { name: string; elements: readonly Element[] }> = {
  seconds: {
    name: '2006-01-02T15:04:05Z07:00',
    elements: [...untilSeconds, ['05', /^\d\d(?:[.,]\d+)?/], zone],
  },
  microseconds: {
    name: '2006-01-02T15:04:05.000000Z07:00',
    elements: [...untilSeconds, ['05', /^\d\d/], ['.000000', /^[.,]\d{6}/], zone],
  },
};

/** Throws RangeError with the words of Go's time.Parse. */
export function toStoredTime(text: string, precision: TimePrecision): string {
  const { name, elements } = layouts[precision];
  const quoted = JSON.stringify(text);
  let rest = text;
  for (const [element, shape] of elements) {
    const found = shape.exec(rest)?.[0];
    if (found === undefined) {
      throw new RangeError(
        `parsing time ${quoted} as "${name}": cannot parse ${JSON.stringify(rest)} as "${element}"`,
      );
    }
    rest = rest.slice(found.length);
  }
  if (rest !== '') throw new RangeError(`parsing time ${quoted}: extra text: ${JSON.stringify(rest)}`);
  const field = findFieldOutOfRange(text);
  if (field !== undefined) throw new RangeError(`parsing time ${quoted}: ${field} out of range`);
  const offset = text.endsWith('Z') ? 'Z' : text.slice(-6);
  const stored = new Date(text.slice(0, 19) + offset).toISOString();
  // The offset may have carried it out of the years that have four digits.
  if (stored.length !== 24) throw new RangeError(`parsing time ${quoted}: year out of range`);
  return precision === 'seconds'
    ? `${stored.slice(0, 19)}Z`
    : `${stored.slice(0, 19)}.${text.slice(20, 26)}Z`;
}

function findFieldOutOfRange(text: string): string | undefined {
  const at = (from: number, to: number) => Number(text.slice(from, to));
  const [month, day] = [at(5, 7), at(8, 10)];
  if (month < 1 || month > 12) return 'month';
  // The calendar repeats itself every 400 years, and Date.UTC takes years below 100 for those of another century.
  const lastDay = new Date(Date.UTC(2000 + (at(0, 4) % 400), month, 0)).getUTCDate();
  if (day < 1 || day > lastDay) return 'day';
  if (at(11, 13) > 23) return 'hour';
  if (at(14, 16) > 59) return 'minute';
  return at(17, 19) > 59 ? 'second' : undefined;
}
