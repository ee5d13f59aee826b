import { boolYaml11Tag, CORE_SCHEMA, dump, intCoreTag, load, YAMLException } from 'js-yaml';
import { isDeeper, isJsonObject } from './json.ts';

/** As Go reads them: `0644` is octal, as people write modes, but `1:30` is text. */
const integerTag: typeof intCoreTag = {
  ...intCoreTag,
  resolve: (source, ...rest) =>
    /^[-+]?0[0-7]+$/.test(source) ? Number.parseInt(source, 8) : intCoreTag.resolve(source, ...rest),
};
// Kubernetes reads YAML 1.1 booleans (`y`, `on`), but leaves dates alone.
const schema = CORE_SCHEMA.withTags(boolYaml11Tag, integerTag);

/** A document may always stand for this much; more than its own length only by aliases. */
const harmlessSize = 256 * 1024;
/** As deep as js-yaml reads without aliases. */
const deepest = 100;

/** Whether the value would be larger than this with its aliases written out. Some have no end: they hold themselves. */
function isLarger(value: unknown, most: number): boolean {
  const rest = [value];
  let size = 0;
  while (rest.length > 0 && size <= most) {
    const next = rest.pop();
    if (typeof next === 'string') size += next.length;
    if (isJsonObject(next)) for (const key of Object.keys(next)) size += key.length;
    if (typeof next !== 'object' || next === null) continue;
    const items: unknown[] = Object.values(next);
    size += items.length;
    for (const item of items) rest.push(item);
  }
  return size > most;
}

/** Throws YAMLException. */
export function parseYaml(text: string): unknown {
  const value = load(text, { schema, maxDepth: deepest });
  if (isLarger(value, Math.max(text.length, harmlessSize)) || isDeeper(value, deepest))
    throw new YAMLException('document contains excessive aliasing');
  return value;
}

export const toYaml = (value: unknown): string =>
  dump(value, { sortKeys: true, seqNoIndent: true, quoteStyle: 'double', lineWidth: -1, noRefs: true });
