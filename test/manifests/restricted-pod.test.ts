import { expect, test } from '@jest/globals';
import { restrictedPodSchema } from './restricted-pod.ts';

const amounts = { cpu: '1', memory: '1Gi' };
const securityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};
const pod = {
  enableServiceLinks: false,
  automountServiceAccountToken: false,
  securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [{ securityContext, resources: { requests: amounts, limits: amounts } }],
};

test('a pod of this shape passes', () => {
  expect(restrictedPodSchema.safeParse(pod).success).toBe(true);
});

test.each([
  ['the network of the node', { hostNetwork: true }],
  ['a path of the node', { volumes: [{ name: 'a', hostPath: { path: '/' } }] }],
  ['an emptyDir without a limit', { volumes: [{ name: 'a', emptyDir: {} }] }],
  ['the user root', { securityContext: { ...pod.securityContext, runAsUser: 0 } }],
  ['no seccomp profile', { securityContext: { runAsNonRoot: true, runAsUser: 65532 } }],
  ['a capability', { containers: [withSecurity({ capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] } })] }],
  ['privilege', { containers: [withSecurity({ privileged: true })] }],
  ['a root file system to write to', { containers: [withSecurity({ readOnlyRootFilesystem: false })] }],
  ['no limits', { containers: [{ securityContext, resources: { requests: amounts } }] }],
  ['no container', { containers: [] }],
])('a pod with %s does not', (_, change) => {
  expect(restrictedPodSchema.safeParse({ ...pod, ...change }).success).toBe(false);
});

function withSecurity(change: Record<string, unknown>): unknown {
  return { ...pod.containers[0], securityContext: { ...securityContext, ...change } };
}
