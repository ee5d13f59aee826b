import { boolYaml11Tag, CORE_SCHEMA, dump, load } from 'js-yaml';

// Kubernetes reads YAML 1.1 booleans (`y`, `on`), but leaves dates alone.
const schema = CORE_SCHEMA.withTags(boolYaml11Tag);

/** Throws YAMLException. */
export const parseYaml = (text: string): unknown => load(text, { schema });

export const toYaml = (value: unknown): string =>
  dump(value, { sortKeys: true, seqNoIndent: true, quoteStyle: 'double', lineWidth: -1, noRefs: true });
