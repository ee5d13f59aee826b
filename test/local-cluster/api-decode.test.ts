import { describe, expect, test } from '@jest/globals';
import { decode } from '../../src/local-cluster/api/decode.ts';
import { parseGoJson } from '../../src/local-cluster/api/go-json.ts';
import { findCanonicalQuantity, findQuantity } from '../../src/local-cluster/api/quantity.ts';
import { parseLabelSelector } from '../../src/local-cluster/api/selectors.ts';
import { parseYaml } from '../../src/local-cluster/api/yaml.ts';

describe('JSON as Go reads it', () => {
  test.each([
    ['', 'unexpected end of JSON input'],
    ['{"a":', 'unexpected end of JSON input'],
    ['hello', "invalid character 'h' looking for beginning of value"],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b":2}', "invalid character '\"' after object key:value pair"],
    ['[1 2]', "invalid character '2' after array element"],
    ['{} x', "invalid character 'x' after top-level value"],
    ['nulL', "invalid character 'L' in literal null (expecting 'l')"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ['01', "invalid character '1' after top-level value"],
    ['1.x', "invalid character 'x' after decimal point in numeric literal"],
  ])('%j fails with Go’s words', (text, message) => {
    expect(() => parseGoJson(text)).toThrow(message);
  });

  test('what is right is read as by any other parser', () => {
    const text = '{"a":[1,-2.5e3,true,null,{}],"b":"\\u00e9\\n\\"\\ud83d\\udc4b","c":{"d":[]}}';
    expect(parseGoJson(text)).toEqual({ value: JSON.parse(text) as unknown, duplicates: [] });
  });

  test('keys given twice are named by their path, and the last value counts', () => {
    const { value, duplicates } = parseGoJson('{"spec":{"list":[{"a":1,"a":2}]}}');
    expect(duplicates).toEqual(['spec.list[0].a']);
    expect(value).toEqual({ spec: { list: [{ a: 2 }] } });
  });

  test('a key named __proto__ is a key like any other', () => {
    const { value } = parseGoJson('{"__proto__":{"polluted":true}}');
    expect(JSON.stringify(value)).toBe('{"__proto__":{"polluted":true}}');
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });
});

describe('decoding', () => {
  const container = { name: 'c', image: 'i' };
  const jobWith = (spec: object) => ({ spec: { template: { spec: { containers: [container] } }, ...spec } });

  test('unknown fields are dropped and named in the order in which they stand', () => {
    const spec = { template: { spec: { containers: [{ ...container, nope: 1 }] } }, wrong: 2 };
    const { object, unknownFields } = decode('jobs', { spec });
    expect(unknownFields).toEqual(['spec.template.spec.containers[0].nope', 'spec.wrong']);
    expect(object).toEqual({ spec: { template: { spec: { containers: [container] } } } });
  });

  test.each([
    [
      { backoffLimit: '3' },
      'cannot unmarshal string into Go struct field JobSpec.spec.backoffLimit of type int32',
    ],
    [
      { backoffLimit: 1.5 },
      'cannot unmarshal number 1.5 into Go struct field JobSpec.spec.backoffLimit of type int32',
    ],
    [{ suspend: 'yes' }, 'cannot unmarshal string into Go struct field JobSpec.spec.suspend of type bool'],
    [
      { template: [] },
      'cannot unmarshal array into Go struct field JobSpec.spec.template of type v1.PodTemplateSpec',
    ],
    [
      { template: { spec: { containers: {} } } },
      'cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container',
    ],
  ])('%j is refused with Go’s words', (spec, message) => {
    expect(() => decode('jobs', jobWith(spec))).toThrow(message);
  });

  test('what Go leaves out when it is empty is left out', () => {
    const metadata = { labels: {}, annotations: null, finalizers: [] };
    const env = [{ name: 'EMPTY', value: '' }];
    const { object } = decode('pods', { metadata, spec: { containers: [{ ...container, env, args: [] }] } });
    expect(object).toEqual({
      metadata: {},
      spec: { containers: [{ ...container, env: [{ name: 'EMPTY' }] }] },
    });
  });
});

const lastTimestampOf = (lastTimestamp: string) => decode('events', { lastTimestamp }).object.lastTimestamp;
const eventTimeOf = (eventTime: string) => decode('events', { eventTime }).object.eventTime;

describe('times', () => {
  test.each([
    ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00Z'],
    ['2024-01-01T02:00:00.987+02:00', '2024-01-01T00:00:00Z'],
    ['2024-02-29T23:59:59,5-00:30', '2024-03-01T00:29:59Z'],
    ['0004-02-29T00:00:00Z', '0004-02-29T00:00:00Z'],
  ])('%s is kept as %s', (text, stored) => {
    expect(lastTimestampOf(text)).toBe(stored);
  });

  test('an eventTime keeps its six digits', () => {
    expect(eventTimeOf('2024-01-01T02:00:00.000987+02:00')).toBe('2024-01-01T00:00:00.000987Z');
    expect(() => eventTimeOf('2024-01-01T00:00:00Z')).toThrow(
      'parsing time "2024-01-01T00:00:00Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
    );
  });

  test.each([
    ['yesterday', 'as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"'],
    ['2024-01-01T00:00:00', 'as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00"'],
    ['2024-01-01 00:00:00Z', 'as "2006-01-02T15:04:05Z07:00": cannot parse " 00:00:00Z" as "T"'],
    ['2024-01-01T00:00:00Z (hi)', ': extra text: " (hi)"'],
    ['2024-13-01T00:00:00Z', ': month out of range'],
    ['2023-02-29T00:00:00Z', ': day out of range'],
    ['2024-01-01T24:00:00Z', ': hour out of range'],
    ['9999-12-31T23:59:59-01:00', ': year out of range'],
  ])('%s is refused with Go’s words', (text, why) => {
    const separator = why.startsWith(':') ? '' : ' ';
    expect(() => lastTimestampOf(text)).toThrow(`parsing time "${text}"${separator}${why}`);
  });
});

describe('quantities', () => {
  test.each([
    ['1000', '1k'],
    ['0.5', '500m'],
    ['1500m', '1500m'],
    ['1000m', '1'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['512', '512'],
    ['0', '0'],
    ['0Mi', '0'],
    ['0.5Mi', '512Ki'],
    ['100Ki', '100Ki'],
    ['1e3', '1e3'],
    ['-100m', '-100m'],
    ['.5', '500m'],
    ['1.0000000001', '1000000001n'],
  ])('%s is written %s', (text, canonical) => {
    expect(findCanonicalQuantity(text)).toBe(canonical);
  });

  test.each(['lots', '1.2.3', '', '1Qi', '.', '5 Mi'])('%j is none', (text) => {
    expect(findQuantity(text)).toBeUndefined();
  });
});

test('a plain word of YAML is read as Kubernetes does', () => {
  const words = '[0644, -07, 0899, 0x1f, 0o17, 0, 1:30, on, n, 2024-01-01, "0644"]';
  expect(parseYaml(words)).toEqual([420, -7, 899, 31, 15, 0, '1:30', true, false, '2024-01-01', '0644']);
});

describe('label selectors', () => {
  const labels = { app: 'shop', tier: 'web', n: '5', empty: '' };
  test.each([
    ['app=shop', true],
    ['app==shop,tier!=web', false],
    ['app in (shop, blog), !missing', true],
    ['tier notin (db)', true],
    ['missing notin (x)', true],
    ['missing!=x', true],
    ['empty=', true],
    ['empty', true],
    ['n>3', true],
    ['n<3', false],
    ['missing>3', false],
    // What every object has is no label.
    ['constructor', false],
    ['!toString', true],
    ['valueOf notin (x)', true],
    ['constructor>3', false],
    [' ', true],
  ])('%j', (selector, matches) => {
    expect(parseLabelSelector(selector)(labels)).toBe(matches);
  });
});
