import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
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

/** All that is in the repository: the base, the overlays, and the base and one overlay with every component. */
export const folders = [
  'k8s/base',
  'k8s/overlays/kind',
  'k8s/overlays/gke',
  'k8s/overlays/existing-namespace',
  'test/manifests/whole',
  'test/manifests/elsewhere',
];

/** Those that make nothing outside of two namespaces. */
export const isForExistingNamespaces = (folder: string): boolean =>
  folder.endsWith('existing-namespace') || folder.endsWith('elsewhere');

export const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
if (!hasKubectl) console.warn('kubectl is not on the PATH: what it renders is not checked.');

/** What `kubectl apply -k` would send, once the reader has put names of their own in, as the overlay says. */
export function render(folder: string): KubeObject[] {
  return inCopy((root) => build(join(root, folder)));
}

/** The same of a folder with these files, in which `<where this is>` stands for the repository. */
export function renderOwn(files: Readonly<Record<string, string>>): KubeObject[] {
  return inCopy((root) => {
    const folder = join(root, 'own');
    mkdirSync(folder);
    for (const [name, text] of Object.entries(files))
      writeFileSync(join(folder, name), text.replaceAll('<where this is>', '..'));
    return build(folder);
  });
}

function inCopy<T>(work: (root: string) => T): T {
  const root = mkdtempSync(join(tmpdir(), 'jobspawn-manifests-'));
  try {
    for (const each of ['k8s', 'test/manifests'])
      cpSync(join(checkout, each), join(root, each), { recursive: true });
    const overlay = join(root, 'k8s/overlays/existing-namespace');
    const command = /^# +(sed .*)$/m.exec(readFileSync(join(overlay, 'kustomization.yaml'), 'utf8'))?.[1];
    execFileSync('sh', ['-c', command ?? 'false'], { cwd: overlay });
    return work(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

function build(folder: string): KubeObject[] {
  const yaml = execFileSync('kubectl', ['kustomize', folder], { encoding: 'utf8' });
  return z.array(objectSchema).parse(loadAll(yaml));
}

/** One object in a file that is no part of an overlay. */
export function readObject(file: string): KubeObject {
  return only(z.array(objectSchema).parse(loadAll(readFileSync(join(checkout, file), 'utf8'))));
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
