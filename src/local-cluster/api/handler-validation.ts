import type { V1Container, V1LifecycleHandler, V1Probe } from '@kubernetes/client-node';
import type { Wire } from '../objects.ts';
import type { FieldError } from './field-errors.ts';
import { forbiddenField, required } from './field-errors.ts';

const kinds = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'];

/** A probe or a hook does one thing. */
function handlerFaults(
  handler: Wire<V1Probe> | Wire<V1LifecycleHandler> | undefined,
  field: string,
): FieldError[] {
  if (handler === undefined) return [];
  const given = kinds.filter((kind) => kind in handler);
  if (given.length === 0) return [required(field, 'must specify a handler type')];
  return given
    .slice(1)
    .map((kind) => forbiddenField(`${field}.${kind}`, 'may not specify more than 1 handler type'));
}

/** Of a container that runs as long as the pod: a regular one, or a sidecar. */
export const lastingContainerFaults = (
  { lifecycle, livenessProbe, readinessProbe, startupProbe }: Wire<V1Container>,
  field: string,
): FieldError[] => [
  ...handlerFaults(lifecycle?.postStart, `${field}.lifecycle.postStart`),
  ...handlerFaults(lifecycle?.preStop, `${field}.lifecycle.preStop`),
  ...handlerFaults(livenessProbe, `${field}.livenessProbe`),
  ...handlerFaults(readinessProbe, `${field}.readinessProbe`),
  ...handlerFaults(startupProbe, `${field}.startupProbe`),
];

/** An init container has neither: it is over before anybody asks. */
export const passingContainerFaults = (container: Wire<V1Container>, field: string): FieldError[] =>
  (['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const).flatMap((name) =>
    container[name] === undefined
      ? []
      : [
          forbiddenField(
            `${field}.${name}`,
            'may not be set for init containers without restartPolicy=Always',
          ),
        ],
  );
