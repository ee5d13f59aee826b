import type { NetworkPolicy } from './shapes.ts';

export type Pod = { namespace: string; labels: Record<string, string> };
type Selector = { matchLabels?: Record<string, string> | undefined };

function selects({ matchLabels = {} }: Selector, labels: Record<string, string>): boolean {
  return Object.entries(matchLabels).every(([name, value]) => labels[name] === value);
}

function policiesOf(policies: readonly NetworkPolicy[], pod: Pod): NetworkPolicy[] {
  return policies.filter(
    ({ metadata, spec }) => metadata.namespace === pod.namespace && selects(spec.podSelector, pod.labels),
  );
}

/** The directions in which no policy holds a pod. */
export function unheldDirections(policies: readonly NetworkPolicy[], pod: Pod): string[] {
  const held = policiesOf(policies, pod).flatMap(({ spec }) => spec.policyTypes);
  return ['Ingress', 'Egress'].filter((direction) => !held.some((type) => type === direction));
}

type Peer = { namespaceSelector?: Selector | undefined; podSelector?: Selector | undefined };

function isPeer(peer: Peer, pod: Pod): boolean {
  if (peer.namespaceSelector === undefined) return false;
  const ofNamespace = { 'kubernetes.io/metadata.name': pod.namespace };
  return selects(peer.namespaceSelector, ofNamespace) && selects(peer.podSelector ?? {}, pod.labels);
}

/** Whom a pod may ask for names: labels of pods in kube-system, and ranges of addresses. */
export function asksNames(policies: readonly NetworkPolicy[], pod: Pod): string[] {
  return policiesOf(policies, pod)
    .flatMap(({ spec }) => spec.egress ?? [])
    .filter(({ ports }) =>
      ['UDP', 'TCP'].every((protocol) =>
        ports.some((each) => each.protocol === protocol && each.port === 53),
      ),
    )
    .flatMap(({ to = [] }) => to)
    .map(({ namespaceSelector, podSelector, ipBlock }) => {
      if (ipBlock !== undefined) return ipBlock.cidr;
      const isOfSystem = namespaceSelector?.matchLabels?.['kubernetes.io/metadata.name'] === 'kube-system';
      return isOfSystem ? `k8s-app=${podSelector?.matchLabels?.['k8s-app']}` : 'elsewhere';
    });
}

/** Whether a pod may open a TCP connection to this port of any address. */
export function mayLeave(
  policies: readonly NetworkPolicy[],
  { from, port }: { from: Pod; port: number },
): boolean {
  return policiesOf(policies, from)
    .flatMap(({ spec }) => spec.egress ?? [])
    .some(
      ({ to, ports }) =>
        to === undefined && ports.some((each) => each.protocol === 'TCP' && each.port === port),
    );
}

/** Whether one pod may open a TCP connection to a port of the other, as both their policies have it. */
export function mayReach(
  policies: readonly NetworkPolicy[],
  { from, to, port }: { from: Pod; to: Pod; port: number },
): boolean {
  const hasPort = (ports: { protocol: string; port: number }[]) =>
    ports.some((each) => each.protocol === 'TCP' && each.port === port);
  const goesOut = policiesOf(policies, from)
    .flatMap(({ spec }) => spec.egress ?? [])
    .some((rule) => hasPort(rule.ports) && (rule.to?.some((peer) => isPeer(peer, to)) ?? true));
  const getsIn = policiesOf(policies, to)
    .flatMap(({ spec }) => spec.ingress ?? [])
    .some((rule) => hasPort(rule.ports) && rule.from.some((peer) => isPeer(peer, from)));
  return goesOut && getsIn;
}
