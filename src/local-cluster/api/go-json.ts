import { createJsonReader } from './json-reader.ts';
import type { JsonReader } from './json-reader.ts';

export type ParsedJson = {
  value: unknown;
  /** Paths such as `spec.containers[0].name` of keys given twice in one object; the last value counts. */
  duplicates: string[];
};

/** An array or object of which only the beginning has been read. */
type Container = {
  close: ']' | '}';
  /** Where the reader is when it finds neither a comma nor the end. */
  context: string;
  /** Reads up to where the next value begins, and says the path of that value. */
  begin: () => string;
  add: (value: unknown) => void;
  value: () => unknown;
};

function openArray(path: string): Container {
  const items: unknown[] = [];
  return {
    close: ']',
    context: 'after array element',
    begin: () => `${path}[${items.length}]`,
    add: (value) => void items.push(value),
    value: () => items,
  };
}

function openObject(path: string, reader: JsonReader, duplicates: string[]): Container {
  const fields = new Map<string, unknown>();
  let key = '';
  return {
    close: '}',
    context: 'after object key:value pair',
    begin() {
      if (reader.peek() !== '"') reader.fail('looking for beginning of object key string');
      key = reader.readString();
      const keyPath = path === '' ? key : `${path}.${key}`;
      if (fields.has(key)) duplicates.push(keyPath);
      if (!reader.take(':')) reader.fail('after object key');
      return keyPath;
    },
    add: (value) => void fields.set(key, value),
    // fromEntries defines own properties, so that a key named __proto__ is a key like any other.
    value: () => Object.fromEntries(fields),
  };
}

/** As in Go. */
const deepest = 10_000;
/**
 * Deeper than any field of the API. What lies below is checked and left out: it would be dropped as unknown in any case,
 * and whatever walks over values (to decode, copy or print them) calls itself level by level.
 */
const deepestKept = 100;

/**
 * A JSON parser that finds fault in Go's words and notes duplicate keys, as the API server's decoder does. It keeps what
 * is open in a list of its own: how deep a text nests is the sender's choice, and must not decide over our stack.
 * Throws GoJsonError.
 */
export function parseGoJson(text: string): ParsedJson {
  const reader = createJsonReader(text);
  const duplicates: string[] = [];
  const open: Container[] = [];

  function openAt(path: string): Container | undefined {
    const character = reader.peek();
    if (character !== '{' && character !== '[') return undefined;
    if (open.length === deepest) reader.fail('exceeded max depth');
    reader.take(character);
    return character === '[' ? openArray(path) : openObject(path, reader, duplicates);
  }

  let path = '';
  for (;;) {
    const opened = openAt(path);
    if (opened !== undefined && !reader.take(opened.close)) {
      open.push(opened);
      path = opened.begin();
      continue;
    }
    let value = opened === undefined ? reader.readScalar() : opened.value();
    // A value may be the last of its container, and that of its own.
    let container = open.at(-1);
    for (; container !== undefined; container = open.at(-1)) {
      if (open.length <= deepestKept) container.add(value);
      if (!reader.take(container.close)) break;
      open.pop();
      value = container.value();
    }
    if (container === undefined) {
      if (reader.peek() !== '') reader.fail('after top-level value');
      return { value, duplicates };
    }
    if (!reader.take(',')) reader.fail(container.context);
    path = container.begin();
  }
}
