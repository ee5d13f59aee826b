/** A JSON parser that finds fault in Go's words and notes duplicate keys, as the API server's decoder does. */

export class GoJsonError extends Error {}

export type ParsedJson = {
  value: unknown;
  /** Paths such as `spec.containers[0].name` of keys given twice in one object; the last value counts. */
  duplicates: string[];
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

/** Throws GoJsonError. Deep nesting is bounded, as in Go, by 10000 levels. */
export function parseGoJson(text: string): ParsedJson {
  let at = 0;
  let depth = 0;
  const duplicates: string[] = [];

  function fail(context: string): never {
    const character = text[at];
    if (character === undefined) throw new GoJsonError('unexpected end of JSON input');
    throw new GoJsonError(`invalid character ${quote(character)} ${context}`);
  }

  function skipSpace(): void {
    while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at += 1;
  }

  function parseLiteral(word: string, value: unknown): unknown {
    for (const expected of word) {
      if (text[at] !== expected) fail(`in literal ${word} (expecting ${quote(expected)})`);
      at += 1;
    }
    return value;
  }

  function parseNumber(): number {
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

  function parseEscape(): string {
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

  function parseString(): string {
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
        value += text.slice(start, at) + parseEscape();
        start = at;
      } else if (character === '' || character < ' ') fail('in string literal');
      else at += 1;
    }
  }

  function parseArray(path: string): unknown[] {
    const items: unknown[] = [];
    at += 1;
    skipSpace();
    if (text[at] === ']') {
      at += 1;
      return items;
    }
    for (;;) {
      items.push(parseValue(`${path}[${items.length}]`));
      skipSpace();
      if (text[at] === ']') {
        at += 1;
        return items;
      }
      if (text[at] !== ',') fail('after array element');
      at += 1;
    }
  }

  function parseObject(path: string): Record<string, unknown> {
    const fields = new Map<string, unknown>();
    at += 1;
    skipSpace();
    if (text[at] === '}') {
      at += 1;
      return {};
    }
    for (;;) {
      skipSpace();
      if (text[at] !== '"') fail('looking for beginning of object key string');
      const key = parseString();
      const keyPath = path === '' ? key : `${path}.${key}`;
      if (fields.has(key)) duplicates.push(keyPath);
      skipSpace();
      if (text[at] !== ':') fail('after object key');
      at += 1;
      fields.set(key, parseValue(keyPath));
      skipSpace();
      if (text[at] === '}') {
        at += 1;
        // fromEntries defines own properties, so that a key named __proto__ is a key like any other.
        return Object.fromEntries(fields);
      }
      if (text[at] !== ',') fail('after object key:value pair');
      at += 1;
    }
  }

  function parseValue(path: string): unknown {
    skipSpace();
    depth += 1;
    if (depth > 10000) throw new GoJsonError('exceeded max depth');
    try {
      const character = text.charAt(at);
      if (character === '{') return parseObject(path);
      if (character === '[') return parseArray(path);
      if (character === '"') return parseString();
      if (character === 't') return parseLiteral('true', true);
      if (character === 'f') return parseLiteral('false', false);
      if (character === 'n') return parseLiteral('null', null);
      if (/[-0-9]/.test(character)) return parseNumber();
      return fail('looking for beginning of value');
    } finally {
      depth -= 1;
    }
  }

  const value = parseValue('');
  skipSpace();
  if (at < text.length) fail('after top-level value');
  return { value, duplicates };
}
