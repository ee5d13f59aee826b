import { StatusError } from './status-error.ts';

/** The form in which an answer is wanted: plain JSON or YAML, or one of the server's own renderings. */
export type Form = 'json' | 'yaml' | 'table' | 'partial' | 'partial-list' | 'aggregated';

type MediaRange = { type: string; parameters: Map<string, string>; quality: number };

function parseAccept(header: string): MediaRange[] {
  const ranges = header.split(',').map((text) => {
    const [type = '', ...rest] = text.split(';').map((part) => part.trim());
    const parameters = new Map(
      rest.map((parameter) => {
        const [name = '', value = ''] = parameter.split('=');
        return [name.trim(), value.trim()] as const;
      }),
    );
    return { type, parameters, quality: Number(parameters.get('q') ?? 1) };
  });
  return ranges.toSorted((a, b) => b.quality - a.quality);
}

const forms: Record<string, Form> = {
  'Table/meta.k8s.io/v1': 'table',
  'PartialObjectMetadata/meta.k8s.io/v1': 'partial',
  'PartialObjectMetadataList/meta.k8s.io/v1': 'partial-list',
  'APIGroupDiscoveryList/apidiscovery.k8s.io/v2': 'aggregated',
};

function formOf({ type, parameters }: MediaRange, allowed: readonly Form[]): Form | undefined {
  if (type === 'application/yaml') return parameters.has('as') ? undefined : 'yaml';
  if (type !== 'application/json' && type !== '*/*' && type !== 'application/*') return undefined;
  const as = parameters.get('as');
  if (as === undefined) return 'json';
  const form = forms[`${as}/${parameters.get('g') ?? ''}/${parameters.get('v') ?? ''}`];
  return form !== undefined && allowed.includes(form) ? form : undefined;
}

const offered = ['application/json', 'application/yaml'];

/**
 * Picks the first form of the Accept header that there is. `produced` lists further types that the path answers with.
 * Throws StatusError 406.
 */
export function negotiate(
  accept: string | undefined,
  allowed: readonly Form[],
  produced: readonly string[] = [],
): Form {
  const ranges = parseAccept(accept === undefined || accept === '' ? '*/*' : accept);
  for (const range of ranges) {
    const form = formOf(range, allowed);
    if (form !== undefined) return form;
  }
  const representations = [...offered, 'application/vnd.kubernetes.protobuf'];
  const types = [...representations, ...produced].map((type) => type.split(';')[0] ?? '');
  if (ranges.some(({ type }) => types.includes(type))) {
    throw new StatusError(
      'NotAcceptable',
      `only the following media types are accepted: ${representations.join(', ')}`,
      { indented: produced.length > 0 },
    );
  }
  const available = [
    ...produced.filter((type) => type.startsWith('text/')),
    ...representations,
    ...produced.filter((type) => !type.startsWith('text/')),
  ];
  throw new StatusError(
    'NotAcceptable',
    `406: Not Acceptable\n\nAvailable representations: ${available.join(', ')}`,
    { details: {} },
  );
}
