/** Kept of a log: the first words, which say what was started, and as much of the end as fits; at most 1 MiB together. */
const wholeLimit = 1024 * 1024;
const headLimit = 64 * 1024;
const noticeRoom = 128;
const tailLimit = wholeLimit - headLimit - noticeRoom;

/** Takes a log of any length, chunk by chunk, in bounded memory. Lines are cut only where a single one fills the room. */
export function createLogClip() {
  const head: Buffer[] = [];
  let headBytes = 0;
  let tail: Buffer[] = [];
  let tailBytes = 0;
  let dropped = 0;

  function push(chunk: Buffer): void {
    const toHead = chunk.subarray(0, Math.max(0, headLimit - headBytes));
    const toTail = chunk.subarray(toHead.length);
    if (toHead.length > 0) head.push(toHead);
    headBytes += toHead.length;
    if (toTail.length > 0) tail.push(toTail);
    tailBytes += toTail.length;
    // Trimming at twice the room keeps the copying linear.
    if (tailBytes > 2 * (wholeLimit - headLimit)) trimTo(wholeLimit - headLimit);
  }

  function trimTo(limit: number): void {
    const all = Buffer.concat(tail);
    const kept = Buffer.from(all.subarray(Math.max(0, all.length - limit)));
    dropped += all.length - kept.length;
    tail = [kept];
    tailBytes = kept.length;
  }

  /** What is kept; a log that fits is returned as it is. */
  function toBuffer(): Buffer {
    if (dropped === 0 && headBytes + tailBytes <= wholeLimit) return Buffer.concat([...head, ...tail]);
    const first = endAtLine(Buffer.concat(head));
    const end = Buffer.concat(tail);
    const last = startAtLine(end.subarray(Math.max(0, end.length - tailLimit)));
    const cut = headBytes + tailBytes + dropped - first.length - last.length;
    return Buffer.concat([first, Buffer.from(`[... ${cut} bytes of the log were not kept ...]\n`), last]);
  }

  return { push, toBuffer };
}

const newline = 10;

function endAtLine(bytes: Buffer): Buffer {
  const end = bytes.lastIndexOf(newline);
  return end === -1 ? Buffer.concat([bytes, Buffer.of(newline)]) : bytes.subarray(0, end + 1);
}

function startAtLine(bytes: Buffer): Buffer {
  const end = bytes.indexOf(newline);
  return end === -1 || end === bytes.length - 1 ? bytes : bytes.subarray(end + 1);
}

export function clipLog(text: Buffer): Buffer {
  const clip = createLogClip();
  clip.push(text);
  return clip.toBuffer();
}
