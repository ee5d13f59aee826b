export class GoJsonError extends Error {}

/** A place in a JSON text, and what can be read from there; every fault is a GoJsonError in the words of Go. */
export type JsonReader = {
  /** The next character that is no space, or '' at the end. */
  peek: () => string;
  /** Passes over the next character that is no space when it is this one. */
  take: (character: string) => boolean;
  fail: (context: string) => never;
  readString: () => string;
  /** A string, a number, true, false or null. */
  readScalar: () => unknown;
};

const quote = (character: string): string => {
  if (character === "'") return `'\\''`;
  const code = character.charCodeAt(0);
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) {
    const named = { 7: 'a', 8: 'b', 9: 't', 10: 'n', 11: 'v', 12: 'f', 13: 'r' }[code];
    return named === undefined
      ? `'\\${code < 0x80 ? 'x' : 'u00'}${code.toString(16).padStart(2, '0')}'`
      : `'\\${named}'`;
  }
  return `'${character}'`;
};

const escapes: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

export function createJsonReader(text: string): JsonReader {
  let at = 0;

  function fail(context: string): never {
    const character = text[at];
    if (character === undefined) throw new GoJsonError('unexpected end of JSON input');
    throw new GoJsonError(`invalid character ${quote(character)} ${context}`);
  }

  function skipSpace(): void {
    while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at += 1;
  }

  function readLiteral(word: string, value: unknown): unknown {
    for (const expected of word) {
      if (text[at] !== expected) fail(`in literal ${word} (expecting ${quote(expected)})`);
      at += 1;
    }
    return value;
  }

  function readNumber(): number {
    const start = at;
    const digits = (context: string) => {
      if (!/[0-9]/.test(text.charAt(at))) fail(context);
      while (/[0-9]/.test(text.charAt(at))) at += 1;
    };
    if (text[at] === '-') at += 1;
    if (text[at] === '0') at += 1;
    else digits('in numeric literal');
    if (text[at] === '.') {
      at += 1;
      digits('after decimal point in numeric literal');
    }
    if (text[at] === 'e' || text[at] === 'E') {
      at += 1;
      if (text[at] === '+' || text[at] === '-') at += 1;
      digits('in exponent of numeric literal');
    }
    return Number(text.slice(start, at));
  }

  function readEscape(): string {
    at += 1;
    const character = text.charAt(at);
    if (character === 'u') {
      for (let digit = 1; digit <= 4; digit += 1) {
        at += 1;
        if (!/[0-9a-fA-F]/.test(text.charAt(at))) fail('in \\u hexadecimal character escape');
      }
      at += 1;
      return String.fromCharCode(Number.parseInt(text.slice(at - 4, at), 16));
    }
    const escaped = escapes[character];
    if (escaped === undefined) fail('in string escape code');
    at += 1;
    return escaped;
  }

  function readString(): string {
    at += 1;
    let value = '';
    let start = at;
    for (;;) {
      const character = text.charAt(at);
      if (character === '"') {
        value += text.slice(start, at);
        at += 1;
        return value;
      }
      if (character === '\\') {
        value += text.slice(start, at) + readEscape();
        start = at;
      } else if (character === '' || character < ' ') fail('in string literal');
      else at += 1;
    }
  }

  return {
    fail,
    readString,
    peek() {
      skipSpace();
      return text.charAt(at);
    },
    take(character) {
      skipSpace();
      if (text[at] !== character) return false;
      at += 1;
      return true;
    },
    readScalar() {
      skipSpace();
      const character = text.charAt(at);
      if (character === '"') return readString();
      if (character === 't') return readLiteral('true', true);
      if (character === 'f') return readLiteral('false', false);
      if (character === 'n') return readLiteral('null', null);
      if (/[-0-9]/.test(character)) return readNumber();
      return fail('looking for beginning of value');
    },
  };
}
