/** A place in a log: the line, by its time and its number among those of that time, and the bytes of it that were read. */
export type LogPosition = {
  /** Sorts as the time does. */
  stamp: string;
  ordinal: number;
  bytes: number;
  /** The time cut to its second, as `sinceTime` takes it. */
  second: string;
};

const lineFeed = 0x0a;
const space = 0x20;
const longestStamp = 48;
const stampPattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/**
 * Reads a log with times in front of its lines, and gives it back without them (or with, if they are to be kept), from a
 * position on: what an earlier pass has given already is left out, to the byte. Holds no more than one time at once,
 * however long a line is. A line without a time is the kubelet's own word; it is passed on as it is.
 */
export function createStampReader({ after, keepStamps }: { after: LogPosition | null; keepStamps: boolean }) {
  let position = after;
  let head = Buffer.alloc(0); // the start of a line, while its time is not complete
  let isInLine = false;
  let stamp = '';
  let ordinal = 0;
  let skip = 0; // bytes of the current line that are known already; Infinity for the whole line
  let news = false;

  function* write(chunk: Buffer): Generator<Buffer> {
    let rest = chunk;
    while (rest.length > 0) {
      if (!isInLine) {
        const end = findHeadEnd(rest);
        const taken = end === -1 ? rest : rest.subarray(0, end + 1);
        rest = rest.subarray(taken.length);
        head = Buffer.concat([head, taken]);
        if (end === -1 && head.length <= longestStamp) return;
        yield* beginLine();
        continue;
      }
      const end = rest.indexOf(lineFeed);
      const part = end === -1 ? rest : rest.subarray(0, end + 1);
      rest = rest.subarray(part.length);
      yield* pass(part);
      if (end !== -1) isInLine = false;
    }
  }

  function* beginLine(): Generator<Buffer> {
    const begun = head;
    head = Buffer.alloc(0);
    isInLine = begun.at(-1) !== lineFeed;
    const parsed = parseStamp(begun.subarray(0, -1).toString('latin1'));
    if (parsed === null) {
      skip = 0;
      yield begun;
      return;
    }
    ordinal = parsed.stamp === stamp ? ordinal + 1 : 0;
    stamp = parsed.stamp;
    skip = knownBytes();
    if (skip === 0) {
      news = true;
      position = { ...parsed, ordinal, bytes: 0 };
      if (keepStamps) yield begun;
    }
    if (!isInLine && !keepStamps) yield* pass(Buffer.from([lineFeed]));
  }

  function knownBytes(): number {
    if (after === null || stamp > after.stamp) return 0;
    if (stamp < after.stamp || ordinal < after.ordinal) return Infinity;
    return ordinal === after.ordinal ? after.bytes : 0;
  }

  function* pass(part: Buffer): Generator<Buffer> {
    const fresh = part.subarray(Math.min(skip, part.length));
    skip = Math.max(0, skip - part.length);
    if (fresh.length === 0) return;
    news = true;
    if (position !== null) position = { ...position, bytes: position.bytes + fresh.length };
    yield fresh;
  }

  return {
    write,
    /** What is left when the stream has ended well. */
    *end(): Generator<Buffer> {
      if (head.length > 0) yield head;
      head = Buffer.alloc(0);
    },
    position: () => position,
    /** Whether this pass has given anything that the ones before had not. */
    hasNews: () => news,
  };
}

/** Of the first space or line feed. Only what may be a time is looked through for a space: the rest of a line may be long. */
function findHeadEnd(bytes: Buffer): number {
  const endOfTime = bytes.subarray(0, longestStamp + 1).indexOf(space);
  const feed = (endOfTime === -1 ? bytes : bytes.subarray(0, endOfTime)).indexOf(lineFeed);
  return feed === -1 ? endOfTime : feed;
}

function parseStamp(text: string): { stamp: string; second: string } | null {
  const match = stampPattern.exec(text);
  if (match === null) return null;
  const [, wall = '', fraction = '', zone = 'Z'] = match;
  // In UTC, as nearly every kubelet writes it, there is nothing to convert.
  const second = zone === 'Z' ? `${wall}Z` : new Date(`${wall}${zone}`).toISOString().replace('.000', '');
  return { stamp: `${second}.${fraction.padEnd(9, '0')}`, second };
}
