/** Prometheus' text format, version 0.0.4, read strictly: a line that it does not allow throws. */

const name = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const help = new RegExp(`^# HELP (${name}) .+$`);
const type = new RegExp(`^# TYPE (${name}) (counter|gauge|histogram|summary|untyped)$`);
const label = `[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"`;
const sample = new RegExp(`^(${name})(?:\\{(${label}(?:,${label})*)\\})? (\\S+)$`);
const suffixes = /_(bucket|sum|count)$/;

export type Exposition = ReturnType<typeof parseExposition>;

export function parseExposition(text: string) {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const types = new Map<string, string>();
  const values = new Map<string, number>();
  const explained = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, helpOf] = help.exec(line) ?? [];
    const [, typeOf, kind] = type.exec(line) ?? [];
    const [, sampleOf, labels = '', value = ''] = sample.exec(line) ?? [];
    if (helpOf !== undefined) explained.add(helpOf);
    else if (typeOf !== undefined && kind !== undefined) {
      if (types.has(typeOf)) throw new Error(`two types: ${line}`);
      types.set(typeOf, kind);
    } else if (sampleOf !== undefined) {
      const family = types.has(sampleOf) ? sampleOf : sampleOf.replace(suffixes, '');
      if (!types.has(family) || !explained.has(family)) throw new Error(`neither help nor type: ${line}`);
      const key = toKey(
        sampleOf,
        labels === '' ? [] : [...labels.matchAll(new RegExp(label, 'g'))].map(String),
      );
      if (values.has(key)) throw new Error(`twice: ${line}`);
      values.set(key, toNumber(value, line));
    } else throw new Error(`not a line of the format: ${line}`);
  }
  return {
    types,
    /** undefined where there is no such series. */
    value: (metric: string, labels: Record<string, string> = {}) =>
      values.get(
        toKey(
          metric,
          Object.entries(labels).map(([key, value]) => `${key}="${value}"`),
        ),
      ),
    /** Every series, as `name{a="1",b="2"}`. */
    series: [...values.keys()],
  };
}

function toKey(metric: string, labels: string[]): string {
  return labels.length === 0 ? metric : `${metric}{${labels.toSorted().join(',')}}`;
}

function toNumber(text: string, line: string): number {
  const value = Number(text.replace(/^([+-]?)Inf$/, '$1Infinity'));
  if (Number.isNaN(value) && text !== 'NaN' && text !== 'Nan') throw new Error(`not a number: ${line}`);
  return value;
}

/** What a running service tells now. */
export async function scrape(url: string): Promise<Exposition> {
  const answer = await fetch(`${url}/metrics`);
  if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
  return parseExposition(await answer.text());
}
