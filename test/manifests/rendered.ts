import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { z } from 'zod';
import { checkout } from './image.ts';

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
  }),
});
export type KubeObject = z.output<typeof objectSchema>;

/** All that is in the repository: the base, the overlays, and the base with every component. */
export const folders = [
  'k8s/base',
  'k8s/overlays/kind',
  'k8s/overlays/gke',
  'k8s/overlays/existing-namespace',
  'test/manifests/whole',
];

export const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
if (!hasKubectl) console.warn('kubectl is not on the PATH: what it renders is not checked.');

/** What `kubectl apply -k` would send. */
export function render(folder: string): KubeObject[] {
  const yaml = execFileSync('kubectl', ['kustomize', join(checkout, folder)], { encoding: 'utf8' });
  return z.array(objectSchema).parse(loadAll(yaml));
}

export function ofKind<S extends z.ZodType>(
  objects: readonly KubeObject[],
  kind: string,
  schema: S,
): z.output<S>[] {
  return objects.filter((object) => object.kind === kind).map((object) => schema.parse(object));
}

export function only<T>(list: readonly T[]): T {
  const [first] = list;
  if (first === undefined || list.length > 1) throw new Error(`there are ${list.length}, not one`);
  return first;
}
