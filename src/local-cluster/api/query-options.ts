import type { FieldError } from './field-errors.ts';
import { forbiddenField, invalid, notSupported } from './field-errors.ts';
import { StatusError } from './status-error.ts';

/** Go's reading of a flag: present is true, but for `false` and `0`. */
export function parseFlag(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name);
  return value === null ? undefined : value !== 'false' && value !== '0';
}

const greatest = 2n ** 63n - 1n;

/** An int64. Throws StatusError 400. */
export function parseInteger(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  const refuse = (why: string) =>
    new StatusError('BadRequest', `strconv.ParseInt: parsing ${JSON.stringify(value)}: ${why}`);
  if (!/^[-+]?\d+$/.test(value)) throw refuse('invalid syntax');
  const number = BigInt(value.replace('+', ''));
  if (number > greatest || number < -greatest - 1n) throw refuse('value out of range');
  return Number(number);
}

const optionsOf = (kind: string) => ({ group: 'meta.k8s.io', kind, name: '' });

export type WriteOptions = { dryRun: boolean; fieldValidation: 'Strict' | 'Warn' | 'Ignore' };

export function isDryRun(kind: string, values: string[]): boolean {
  const wrong = values.filter((value) => value !== 'All');
  if (wrong.length > 0) throw invalid(optionsOf(kind), [notSupported('dryRun', values, ['All'])]);
  return values.length > 0;
}

/** dryRun and fieldValidation of a create, update or patch. Throws StatusError 422. */
export function parseWriteOptions(
  query: URLSearchParams,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
): WriteOptions {
  const dryRun = isDryRun(
    kind,
    query.getAll('dryRun').filter((value) => value !== ''),
  );
  const validation = query.get('fieldValidation') ?? '';
  if (!['', 'Ignore', 'Strict', 'Warn'].includes(validation)) {
    throw invalid(optionsOf(kind), [
      notSupported('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn']),
    ]);
  }
  if (kind === 'PatchOptions' && query.has('force')) {
    throw invalid(optionsOf(kind), [forbiddenField('force', 'may not be specified for non-apply patch')]);
  }
  return {
    dryRun,
    fieldValidation: validation === 'Strict' || validation === 'Ignore' ? validation : 'Warn',
  };
}

export type ListOptions = {
  labelSelector: string;
  fieldSelector: string;
  limit: number;
  continue: string;
  resourceVersion: string;
  resourceVersionMatch: string;
  watch: boolean;
  allowWatchBookmarks: boolean;
  sendInitialEvents: boolean | undefined;
  timeoutSeconds: number | undefined;
};

function findListFaults(options: ListOptions): FieldError[] {
  const { resourceVersion, resourceVersionMatch: match, watch, sendInitialEvents } = options;
  const field = 'resourceVersionMatch';
  const unknown = notSupported(field, match, ['Exact', 'NotOlderThan', '']);
  if (watch) {
    if (sendInitialEvents === undefined) {
      return match === ''
        ? []
        : [
            forbiddenField(
              field,
              'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
            ),
          ];
    }
    if (match !== 'NotOlderThan') {
      return [
        forbiddenField(field, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
      ];
    }
    return [];
  }
  if (sendInitialEvents !== undefined) {
    return [forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list')];
  }
  if (match === '') return [];
  if (resourceVersion === '')
    return [forbiddenField(field, 'resourceVersionMatch is forbidden unless resourceVersion is provided')];
  if (options.continue !== '')
    return [forbiddenField(field, 'resourceVersionMatch is forbidden when continue is provided')];
  if (match !== 'Exact' && match !== 'NotOlderThan') return [unknown];
  if (match === 'Exact' && resourceVersion === '0') {
    return [forbiddenField(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')];
  }
  return [];
}

/** Throws StatusError 400, 422. */
export function parseListOptions(query: URLSearchParams, watchPath: boolean): ListOptions {
  const options: ListOptions = {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    limit: Math.max(parseInteger(query, 'limit') ?? 0, 0),
    continue: query.get('continue') ?? '',
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    watch: watchPath || (parseFlag(query, 'watch') ?? false),
    allowWatchBookmarks: parseFlag(query, 'allowWatchBookmarks') ?? false,
    sendInitialEvents: parseFlag(query, 'sendInitialEvents'),
    timeoutSeconds: parseInteger(query, 'timeoutSeconds'),
  };
  const faults = findListFaults(options);
  if (faults.length > 0) throw invalid(optionsOf('ListOptions'), faults);
  return options;
}

/** A resourceVersion as a number. Throws StatusError: 400 for a list, 500 for a watch, as Kubernetes does. */
export function parseVersion(text: string, verb: 'list' | 'watch'): number {
  if (text === '') return 0;
  if (/^\d+$/.test(text)) return Number(text);
  const message = `resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`;
  if (verb === 'watch') throw new StatusError('', message);
  throw new StatusError('BadRequest', `invalid resource version: ${message}`);
}
