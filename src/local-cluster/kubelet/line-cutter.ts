const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** A longer line is logged in parts, as containerd does it. */
const longestPiece = 16 * 1024;

/** A piece of a line is lent for the time of the call; `whole` says that its line ends with it. */
export type WritePiece = (piece: { source: Buffer; start: number; end: number; whole: boolean }) => void;

/**
 * Cuts what a process writes into lines. Holds back a copy of what has no line feed yet, 16 KiB at the most, and of
 * nothing else: the chunk is free to be used again after the call.
 */
export function createLineCutter(write: WritePiece): { cut: (chunk: Buffer) => void; rest: () => void } {
  let pending: Buffer | undefined;
  let held = 0;

  function hold(chunk: Buffer, start: number, end: number): Buffer {
    pending ??= Buffer.allocUnsafeSlow(longestPiece);
    held += chunk.copy(pending, held, start, end);
    return pending;
  }

  function writeLine(source: Buffer, start: number, end: number): void {
    const endsInReturn = end > start && source[end - 1] === carriageReturn;
    write({ source, start, end: endsInReturn ? end - 1 : end, whole: true });
  }

  return {
    cut(chunk) {
      let start = 0;
      while (start < chunk.length) {
        const feed = chunk.indexOf(lineFeed, start);
        const end = feed === -1 ? chunk.length : feed;
        while (held + end - start > longestPiece) {
          const next = start + longestPiece - held;
          if (held === 0) write({ source: chunk, start, end: next, whole: false });
          else write({ source: hold(chunk, start, next), start: 0, end: longestPiece, whole: false });
          held = 0;
          start = next;
        }
        if (feed === -1) {
          hold(chunk, start, end);
          return;
        }
        if (held === 0) writeLine(chunk, start, end);
        else writeLine(hold(chunk, start, end), 0, held);
        held = 0;
        start = end + 1;
      }
    },
    rest() {
      if (pending !== undefined && held > 0) write({ source: pending, start: 0, end: held, whole: false });
      held = 0;
    },
  };
}
