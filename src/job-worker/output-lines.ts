const lineFeed = 0x0a;

/** Takes bytes as they come; `onLine` gets each line without its end, `whole` false where it was longer than kept. */
export type LineReader = { take: (chunk: Buffer) => void; end: () => void };

/** Cuts a stream into lines and keeps at most `longest` bytes of each, however long the stream makes them. */
export function createLineReader(
  longest: number,
  onLine: (line: Buffer, whole: boolean) => void,
): LineReader {
  let parts: Buffer[] = [];
  let kept = 0;
  let size = 0;

  function add(part: Buffer): void {
    const room = part.subarray(0, longest - kept);
    if (room.length > 0) parts.push(room);
    kept += room.length;
    size += part.length;
  }

  function close(): void {
    const [first] = parts;
    if (first !== undefined) onLine(parts.length === 1 ? first : Buffer.concat(parts), size <= longest);
    parts = [];
    kept = size = 0;
  }

  function take(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(lineFeed); at !== -1; at = chunk.indexOf(lineFeed, from)) {
      add(chunk.subarray(from, at));
      close();
      from = at + 1;
    }
    add(chunk.subarray(from));
  }

  return { take, end: close };
}

const progressMark = Buffer.from('JOBSPAWN_PROGRESS ');
const resultMark = Buffer.from('JOBSPAWN_RESULT ');

export type Mark =
  { kind: 'progress'; progress: number; message: string | null } | { kind: 'result'; result: unknown };

/**
 * What a command says to Jobspawn in a line of its standard output: `JOBSPAWN_PROGRESS 40 optional text` (percent) and
 * `JOBSPAWN_RESULT {"any":"json"}`, where text that is no JSON is taken as the text it is. null for every other line.
 */
export function findMark(line: Buffer): Mark | null {
  if (startsWith(line, progressMark)) {
    const [, percent, message = ''] =
      /^(\d{1,3}(?:\.\d{1,6})?)%?(?:\s+(.*))?$/.exec(textAfter(line, progressMark)) ?? [];
    const progress = Number(percent);
    return progress <= 100 ? { kind: 'progress', progress, message: message || null } : null;
  }
  return startsWith(line, resultMark)
    ? { kind: 'result', result: toResult(textAfter(line, resultMark)) }
    : null;
}

function startsWith(line: Buffer, mark: Buffer): boolean {
  return line[0] === mark[0] && line.subarray(0, mark.length).equals(mark);
}

function textAfter(line: Buffer, mark: Buffer): string {
  return line.toString('utf8', mark.length).trim();
}

function toResult(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Keeps the last `bytes` of a stream; `lines` gives the last of them, without a cut one in front. */
export function createTail(bytes: number): {
  take: (chunk: Buffer) => void;
  lines: (count: number) => string;
} {
  let kept = Buffer.alloc(0);
  let cut = false;
  return {
    take: (chunk) => {
      cut ||= kept.length + chunk.length > bytes;
      kept = Buffer.concat([kept, chunk.subarray(-bytes)]).subarray(-bytes);
    },
    lines: (count) => {
      const lines = kept.toString('utf8').trimEnd().split(/\r?\n/);
      return (cut && lines.length > 1 ? lines.slice(1) : lines).slice(-count).join('\n');
    },
  };
}
