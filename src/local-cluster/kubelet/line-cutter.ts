const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** A longer line is logged in parts, as containerd does it. */
const longestPiece = 16 * 1024;

export type Piece = { text: Buffer; whole: boolean };

/** Cuts what a process writes into lines. Holds back what has no line feed yet, 16 KiB at the most. */
export function createLineCutter(): { cut: (chunk: Buffer) => Piece[]; rest: () => Piece[] } {
  let pending: Buffer = Buffer.alloc(0);

  return {
    cut(chunk) {
      const pieces: Piece[] = [];
      let start = 0;
      for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
        const line =
          pending.length === 0
            ? chunk.subarray(start, end)
            : Buffer.concat([pending, chunk.subarray(start, end)]);
        const { parts, left } = cutLong(line);
        pieces.push(...parts, { text: dropCarriageReturn(left), whole: true });
        pending = Buffer.alloc(0);
        start = end + 1;
      }
      const { parts, left } = cutLong(Buffer.concat([pending, chunk.subarray(start)]));
      pieces.push(...parts);
      pending = left;
      return pieces;
    },
    rest() {
      const text = pending;
      pending = Buffer.alloc(0);
      return text.length === 0 ? [] : [{ text, whole: false }];
    },
  };
}

function cutLong(line: Buffer): { parts: Piece[]; left: Buffer } {
  const parts: Piece[] = [];
  let start = 0;
  for (; line.length - start > longestPiece; start += longestPiece) {
    parts.push({ text: line.subarray(start, start + longestPiece), whole: false });
  }
  return { parts, left: line.subarray(start) };
}

const dropCarriageReturn = (line: Buffer) => (line.at(-1) === carriageReturn ? line.subarray(0, -1) : line);
