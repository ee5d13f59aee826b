import type { ResourceName, ResourceObjects } from '../objects.ts';
import { findOwn } from './json.ts';
import { labelKeyFaults, labelValueFaults } from './label-syntax.ts';
import { resources } from './resources.ts';
import { StatusError } from './status-error.ts';

type Labels = Readonly<Record<string, string>>;
type Requirement = (labels: Labels) => boolean;

const bad = (message: string) => new StatusError('BadRequest', message);
const unparsable = (message: string) => bad(`unable to parse requirement: ${message}`);

const operators = ['=', '==', '!=', '>', '<'];
const symbols = [...operators, ',', '!', '(', ')'];

/** Words and symbols; the empty token is the end. */
function tokenize(text: string): string[] {
  const tokens = text.match(/==|!=|[=!><,()]|[^\s=!><,()]+/g) ?? [];
  return [...tokens, ''];
}

const shown = (token: string | undefined) => `'${token ?? ''}'`;
const isWord = (token: string | undefined): token is string =>
  token !== undefined && token !== '' && !symbols.includes(token);

function checkKey(key: string): void {
  const [fault] = labelKeyFaults(key);
  if (fault !== undefined) throw unparsable(`<nil>: Invalid value: ${JSON.stringify(key)}: ${fault}`);
}

function checkValue(key: string, value: string): void {
  const [fault] = labelValueFaults(value);
  if (fault !== undefined)
    throw unparsable(`values[0][${key}]: Invalid value: ${JSON.stringify(value)}: ${fault}`);
}

/** Takes the label selector's text apart. Throws StatusError 400 in Kubernetes' words. */
export function parseLabelSelector(text: string): Requirement {
  if (text.trim() === '') return () => true;
  const tokens = tokenize(text);
  let at = 0;
  const peek = () => tokens[at] ?? '';
  const take = () => tokens[at++] ?? '';

  function parseValues(): string[] {
    if (take() !== '(') throw unparsable(`found ${shown(tokens[at - 1])} expected: '('`);
    const values: string[] = [];
    if (peek() === ')') {
      take();
      return [''];
    }
    for (;;) {
      const token = peek();
      if (isWord(token)) values.push(take());
      else if (token === ',' || token === ')') values.push('');
      else throw unparsable(`found ${shown(token)}, expected: ',', ')' or identifier`);
      const next = take();
      if (next === ')') return values;
      if (next !== ',') throw unparsable(`found ${shown(next)}, expected: ',' or ')'`);
    }
  }

  function parseExactValue(): string {
    const token = peek();
    if (token === '' || token === ',') return '';
    if (!isWord(token)) throw unparsable(`found ${shown(token)}, expected: identifier`);
    return take();
  }

  function parseRequirement(): Requirement {
    const absent = peek() === '!';
    if (absent) take();
    const key = take();
    if (!isWord(key)) throw unparsable(`found ${shown(key)}, expected: identifier`);
    checkKey(key);
    const operator = peek();
    if (absent) {
      if (operator !== '' && operator !== ',')
        throw unparsable(`found ${shown(operator)}, expected: ',' or 'end of string'`);
      return (labels) => !Object.hasOwn(labels, key);
    }
    if (operator === '' || operator === ',') return (labels) => Object.hasOwn(labels, key);
    if (operator === 'in' || operator === 'notin') {
      take();
      const values = parseValues();
      for (const value of values) checkValue(key, value);
      return operator === 'in'
        ? (labels) => values.some((value) => findOwn(labels, key) === value)
        : (labels) => values.every((value) => findOwn(labels, key) !== value);
    }
    if (!operators.includes(operator)) {
      throw unparsable(`found ${shown(operator)}, expected: in, notin, =, ==, !=, gt, lt`);
    }
    take();
    const value = parseExactValue();
    if (operator === '>' || operator === '<') {
      if (!/^[-+]?\d+$/.test(value)) {
        throw unparsable(
          `values[0][${key}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
        );
      }
      const isPast = (label: number) => (operator === '>' ? label > Number(value) : label < Number(value));
      return (labels) => {
        const label = findOwn(labels, key) ?? '';
        return /^[-+]?\d+$/.test(label) && isPast(Number(label));
      };
    }
    checkValue(key, value);
    return (labels) => (findOwn(labels, key) === value) !== (operator === '!=');
  }

  const requirements: Requirement[] = [];
  for (;;) {
    requirements.push(parseRequirement());
    const next = take();
    if (next === '') return (labels) => requirements.every((requirement) => requirement(labels));
    if (next !== ',') throw bad(`found ${shown(next)}, expected: ',' or 'end of string'`);
    if (!isWord(peek()) && peek() !== '!')
      throw bad(`found ${shown(peek())}, expected: identifier after ','`);
  }
}

type Fields<R extends ResourceName> = Record<string, (object: ResourceObjects[R]) => string>;

const metadataFields = {
  'metadata.name': ({ metadata }: { metadata: { name: string } }) => metadata.name,
  'metadata.namespace': ({ metadata }: { metadata: { namespace?: string } }) => metadata.namespace ?? '',
};

const fields: { [R in ResourceName]: Fields<R> } = {
  namespaces: {
    'metadata.name': metadataFields['metadata.name'],
    'status.phase': ({ status }) => status?.phase ?? '',
  },
  jobs: { ...metadataFields, 'status.successful': ({ status }) => String(status.succeeded ?? 0) },
  pods: {
    ...metadataFields,
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.restartPolicy': ({ spec }) => spec.restartPolicy ?? '',
    'spec.schedulerName': ({ spec }) => spec.schedulerName ?? '',
    'spec.serviceAccountName': ({ spec }) => spec.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => String(spec.hostNetwork ?? false),
    'status.phase': ({ status }) => status.phase ?? '',
    'status.podIP': ({ status }) => status.podIP ?? '',
    'status.podIPs': ({ status }) => status.podIP ?? '',
    'status.nominatedNodeName': ({ status }) => status.nominatedNodeName ?? '',
  },
  events: {
    ...metadataFields,
    'involvedObject.kind': ({ involvedObject }) => involvedObject.kind ?? '',
    'involvedObject.namespace': ({ involvedObject }) => involvedObject.namespace ?? '',
    'involvedObject.name': ({ involvedObject }) => involvedObject.name ?? '',
    'involvedObject.uid': ({ involvedObject }) => involvedObject.uid ?? '',
    'involvedObject.apiVersion': ({ involvedObject }) => involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': ({ involvedObject }) => involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': ({ involvedObject }) => involvedObject.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingComponent: ({ reportingComponent }) => reportingComponent ?? '',
    source: ({ source, reportingComponent }) => source?.component ?? reportingComponent ?? '',
    type: ({ type }) => type ?? '',
  },
};

const unsupported = (resource: ResourceName, label: string) =>
  bad(
    resource === 'jobs' || resource === 'namespaces'
      ? `field label "${label}" not supported for ${resources[resource].kind}`
      : `field label not supported: ${label}`,
  );

/** Throws StatusError 400. */
function parseFieldSelector<R extends ResourceName>(
  resource: R,
  text: string,
): (object: ResourceObjects[R]) => boolean {
  const terms = text.split(',').filter((term) => term !== '');
  const checks = terms.map((term) => {
    const match = /^([^=!]+)(!=|==|=)(.*)$/.exec(term);
    const [, label = '', operator, value] = match ?? [];
    if (match === null) throw bad(`invalid selector: '${text}'; can't understand '${term}'`);
    const read = findOwn(fields[resource], label);
    if (read === undefined) throw unsupported(resource, label);
    return (object: ResourceObjects[R]) => (read(object) === value) !== (operator === '!=');
  });
  return (object) => checks.every((check) => check(object));
}

export type Selector<R extends ResourceName> = (object: ResourceObjects[R]) => boolean;

/** Both selectors of a list or watch as one predicate; undefined when nothing is asked for. Throws StatusError 400. */
export function parseSelector<R extends ResourceName>(
  resource: R,
  query: { labelSelector: string; fieldSelector: string },
): Selector<R> | undefined {
  if (query.labelSelector === '' && query.fieldSelector === '') return undefined;
  const byLabels = parseLabelSelector(query.labelSelector);
  const byFields = parseFieldSelector(resource, query.fieldSelector);
  return (object) => byLabels(object.metadata.labels ?? {}) && byFields(object);
}
