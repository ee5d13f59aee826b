export type Stream = 'stdout' | 'stderr';

/** `2026-11-20T23:36:47.267774612Z stdout F ` */
const blank = '0000-00-00T00:00:00.000000000Z stdout F ';
export const headLength = blank.length;
const firstFraction = blank.indexOf('.') + 4;
const lastFraction = blank.indexOf('Z') - 1;
const streamAt = blank.indexOf('s');
const tagAt = blank.indexOf('F');

const codeOf = (character: string) => character.charCodeAt(0);
const [zero, nine, full, part] = [codeOf('0'), codeOf('9'), codeOf('F'), codeOf('P')];

/**
 * What stands before each line of a log. The time is RFC 3339 with nine digits, and no two lines of a run have the same,
 * so that a reader who resumes after a line can tell it from the next; the clock itself only knows milliseconds, and the
 * rest is counted. The buffer is the same at every call: a chatty container makes a million lines.
 */
export function createLineHead(): (stream: Stream, whole: boolean) => Buffer {
  const head = Buffer.from(blank);
  let millisecond = 0;

  function begin(next: number): void {
    millisecond = next;
    head.write(new Date(millisecond).toISOString().slice(0, -1), 'latin1');
    head.fill(zero, firstFraction, lastFraction + 1);
  }

  /** As an odometer does; false when all its digits were nines. */
  function count(): boolean {
    for (let at = lastFraction; at >= firstFraction; at -= 1) {
      const digit = head.readUInt8(at);
      if (digit < nine) {
        head[at] = digit + 1;
        return true;
      }
      head[at] = zero;
    }
    return false;
  }

  return (stream, whole) => {
    const now = Date.now();
    if (now > millisecond) begin(now);
    else if (!count()) begin(millisecond + 1);
    head.write(stream, streamAt, 'latin1');
    head[tagAt] = whole ? full : part;
    return head;
  };
}
