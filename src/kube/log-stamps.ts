/** A place in a log: the line, by its time and its number among those of that time, and the bytes of it that were read. */
export type LogPosition = {
  /** The time cut to its second, in UTC, as `sinceTime` takes it. Sorts as the time does. */
  second: string;
  /** What was cut off. */
  nanos: number;
  ordinal: number;
  bytes: number;
};

type Time = Pick<LogPosition, 'second' | 'nanos'>;

const lineFeed = 0x0a;
const space = 0x20;
const zero = 0x30;
const letterZ = 0x5a;
const longestStamp = 48;
const stampPattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** Where the parts of `2026-01-01T10:00:00.123456789Z ` are: so kubelets write nearly every time. */
const usual = { fraction: 20, zone: 29, end: 30 };

const nothing = Buffer.alloc(0);

/**
 * Reads a log with times in front of its lines, and gives it back without them (or with, if they are to be kept), from a
 * position on: what an earlier pass has given already is left out, to the byte. Holds no more than one time at once,
 * however long a line is. A line without a time is the kubelet's own word; it is passed on as it is.
 *
 * Lines are short and many: what is left of a chunk is copied into one piece of its size, and a time is only parsed where its second is
 * another than that of the line before.
 */
export function createStampReader({ after, keepStamps }: { after: LogPosition | null; keepStamps: boolean }) {
  let position = after && { ...after };
  let head = nothing; // the start of a line, while its time is not complete
  let isInLine = false;
  let time: Time = { second: '', nanos: 0 };
  let secondAsBytes = nothing; // as times begin that are in the second of `time`, up to their fraction
  let ordinal = 0;
  let skip = 0; // bytes of the current line that are known already; Infinity for the whole line
  let news = false;

  /** What there is for the reader: one piece, or none. */
  function write(chunk: Buffer): Buffer[] {
    const bytes = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    head = nothing;
    const out = Buffer.allocUnsafe(bytes.length);
    let filled = 0;
    let at = 0;
    while (at < bytes.length) {
      if (!isInLine) {
        const text = beginLine(bytes, at);
        if (text === -1) {
          head = Buffer.from(bytes.subarray(at));
          break;
        }
        if (keepStamps && skip === 0) filled += bytes.copy(out, filled, at, text);
        at = text;
      }
      const feed = bytes.indexOf(lineFeed, at);
      const end = feed === -1 ? bytes.length : feed + 1;
      const fresh = Math.min(at + skip, end);
      skip -= fresh - at;
      if (fresh < end) {
        filled += bytes.copy(out, filled, fresh, end);
        if (position !== null) position.bytes += end - fresh;
        news = true;
      }
      isInLine = feed === -1;
      at = end;
    }
    return filled === 0 ? [] : [out.subarray(0, filled)];
  }

  /** Where the text of a line begins, behind its time; -1 while that is not complete. */
  function beginLine(bytes: Buffer, at: number): number {
    const nanos = readNanos(bytes, at, secondAsBytes);
    if (nanos !== -1) {
      beginTimed({ second: time.second, nanos });
      return at + usual.end + 1;
    }
    const end = findHeadEnd(bytes, at);
    if (end === -1 && bytes.length - at <= longestStamp) return -1;
    const parsed = end === -1 ? null : parseStamp(bytes.toString('latin1', at, end));
    if (parsed === null) {
      skip = 0;
      return at;
    }
    if (parsed.second !== time.second) secondAsBytes = Buffer.from(parsed.second.replace('Z', '.'));
    beginTimed(parsed);
    return bytes[end] === space ? end + 1 : end;
  }

  function beginTimed(next: Time): void {
    ordinal = compare(next, time) === 0 ? ordinal + 1 : 0;
    time = next;
    skip = knownBytes();
    if (skip > 0) return;
    news = true;
    position = { second: time.second, nanos: time.nanos, ordinal, bytes: 0 };
  }

  function knownBytes(): number {
    const order = after === null ? 1 : compare(time, after);
    if (after === null || order > 0) return 0;
    if (order < 0 || ordinal < after.ordinal) return Infinity;
    return ordinal === after.ordinal ? after.bytes : 0;
  }

  return {
    write,
    /** What is left when the stream has ended well. */
    end(): Buffer[] {
      const left = head.length === 0 ? [] : [head];
      head = nothing;
      return left;
    },
    position: (): LogPosition | null => position,
    /** Whether this pass has given anything that the ones before had not. */
    hasNews: () => news,
  };
}

/** Of a time that is written as usual, and lies in this second; -1 for all others. */
function readNanos(bytes: Buffer, at: number, secondAsBytes: Buffer): number {
  if (secondAsBytes.length === 0) return -1;
  if (bytes[at + usual.end] !== space || bytes[at + usual.zone] !== letterZ) return -1;
  for (let n = 0; n < usual.fraction; n += 1) if (bytes[at + n] !== secondAsBytes[n]) return -1;
  let nanos = 0;
  for (let n = usual.fraction; n < usual.zone; n += 1) {
    const digit = (bytes[at + n] ?? 0) - zero;
    if (digit < 0 || digit > 9) return -1;
    nanos = nanos * 10 + digit;
  }
  return nanos;
}

/** Of the first space or line feed, where a time may end; the rest of a line may be long. */
function findHeadEnd(bytes: Buffer, at: number): number {
  const limit = Math.min(bytes.length, at + longestStamp + 1);
  for (let n = at; n < limit; n += 1) if (bytes[n] === space || bytes[n] === lineFeed) return n;
  return -1;
}

function parseStamp(text: string): Time | null {
  const match = stampPattern.exec(text);
  if (match === null) return null;
  const [, wall = '', fraction = '', zone = 'Z'] = match;
  // In UTC, as nearly every kubelet writes it, there is nothing to convert.
  const second = zone === 'Z' ? `${wall}Z` : new Date(`${wall}${zone}`).toISOString().replace('.000', '');
  return { second, nanos: Number(fraction.padEnd(9, '0')) };
}

function compare(a: Time, b: Time): number {
  if (a.second !== b.second) return a.second < b.second ? -1 : 1;
  return a.nanos - b.nanos;
}
