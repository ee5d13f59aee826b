import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { findFields, findUnknownFields } from './models.ts';
import { folders, hasKubectl, readObject, render } from './rendered.ts';
import type { KubeObject } from './rendered.ts';

type Model = new (object: unknown) => { validate(): void };

/** Made by the package from the OpenAPI document of Kubernetes. */
const groups: Record<string, () => Promise<unknown>> = {
  v1: () => import('kubernetes-models/v1'),
  'apps/v1': () => import('kubernetes-models/apps/v1'),
  'networking.k8s.io/v1': () => import('kubernetes-models/networking.k8s.io/v1'),
  'rbac.authorization.k8s.io/v1': () => import('kubernetes-models/rbac.authorization.k8s.io/v1'),
  'admissionregistration.k8s.io/v1': () => import('kubernetes-models/admissionregistration.k8s.io/v1'),
};

async function loadModel({ apiVersion, kind }: KubeObject): Promise<Model> {
  const module = z.looseObject({}).parse(await groups[apiVersion]?.());
  return z.custom<Model>((value) => typeof value === 'function').parse(module[kind]);
}

const toModelName = ({ apiVersion, kind }: KubeObject) =>
  `${apiVersion.split('/').at(-1)?.toUpperCase()}${kind}`;

async function findFault(object: KubeObject): Promise<string | undefined> {
  const Model = await loadModel(object);
  try {
    new Model(object).validate();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

(hasKubectl ? describe : describe.skip).each(folders)('%s', (folder) => {
  const objects = hasKubectl ? render(folder) : [];

  test('has all that Kubernetes requires, in the types that it takes', async () => {
    expect(objects.length).toBeGreaterThan(10);
    for (const object of objects)
      expect([object.kind, await findFault(object)]).toEqual([object.kind, undefined]);
  });

  test('has no field that Kubernetes does not know', () => {
    for (const object of objects) {
      expect(findFields(toModelName(object))).toBeDefined();
      expect([object.kind, findUnknownFields(toModelName(object), object)]).toEqual([object.kind, []]);
    }
  });
});

test('the pod that stands by while a backup is put back is one that Kubernetes takes', async () => {
  const pod = readObject('k8s/restore-pod.yaml');
  expect(await findFault(pod)).toBeUndefined();
  expect(findUnknownFields('V1Pod', pod)).toEqual([]);
});

test('a missing, a misplaced and a mistyped field are found', async () => {
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } };
  expect(await findFault({ ...service, spec: { ports: [{ name: 'http' }] } })).toContain('port');
  expect(await findFault({ ...service, spec: { ports: [{ port: 'http' }] } })).toContain('integer');
  expect(
    findUnknownFields('V1Service', { ...service, spec: { ports: [{ port: 1, host: 2 }], selectors: {} } }),
  ).toEqual(['/spec/ports/0/host', '/spec/selectors']);
});
