import type { Pod } from '../objects.ts';

/** Guaranteed: cpu and memory limits everywhere, equal to the requests. BestEffort: neither anywhere. */
export function qosClassOf({ spec }: Pod): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const all = [...(spec.initContainers ?? []), ...spec.containers].map(({ resources }) => resources ?? {});
  const counted = ['cpu', 'memory'];
  const none = all.every(({ limits = {}, requests = {} }) =>
    counted.every((name) => limits[name] === undefined && requests[name] === undefined),
  );
  if (none) return 'BestEffort';
  const full = all.every(({ limits = {}, requests = {} }) =>
    counted.every((name) => limits[name] !== undefined && (requests[name] ?? limits[name]) === limits[name]),
  );
  return full ? 'Guaranteed' : 'Burstable';
}
