import type { ResourceName, ResourceObjects } from '../objects.ts';
import type { JsonObject } from './json.ts';
import type { Row } from './printer.ts';
import { printEvent, printJob, printNamespace, printPod } from './printer.ts';
import { StatusError } from './status-error.ts';
import { tableColumns } from './table-columns.ts';

const printers: { [R in ResourceName]: (object: ResourceObjects[R], now: number) => Row } = {
  jobs: printJob,
  pods: printPod,
  namespaces: printNamespace,
  events: printEvent,
};

export const toPartial = ({ metadata }: { metadata: object }): JsonObject => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata,
});

export type RowObject = 'None' | 'Metadata' | 'Object';

/** Throws StatusError 400. */
export function parseIncludeObject(query: URLSearchParams): RowObject {
  const value = query.get('includeObject') ?? '';
  if (value === '') return 'Metadata';
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value;
  throw new StatusError('BadRequest', `unrecognized includeObject value: "${value}"`);
}

const rowObject: Record<RowObject, (object: { metadata: object }) => JsonObject> = {
  None: () => ({ object: null }),
  Metadata: (object) => ({ object: toPartial(object) }),
  Object: (object) => ({ object }),
};

/** The Table that `kubectl get` prints. In a watch only the first one describes its columns. */
export function toTable<R extends ResourceName>(
  resource: R,
  objects: ResourceObjects[R][],
  options: { metadata: object; include: RowObject; columns: boolean },
): JsonObject {
  const now = Date.now();
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.metadata,
    columnDefinitions: options.columns ? tableColumns[resource] : null,
    rows: objects.map((object) => ({
      ...printers[resource](object, now),
      ...rowObject[options.include](object),
    })),
  };
}
