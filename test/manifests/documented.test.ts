import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { parseConfig } from '../../src/app/config.ts';
import { checkout } from './image.ts';
import { hasKubectl, ofKind, only, readObject, render, renderOwn } from './rendered.ts';
import { restrictedPodSchema } from './restricted-pod.ts';
import { configMapSchema, namedSchema, networkPolicySchema, serviceSchema } from './shapes.ts';

/** What the documents tell people to write and to run. */

const read = (file: string) => readFileSync(join(checkout, file), 'utf8');
const readme = read('k8s/README.md');
const operations = read('docs/operations.md');

/** The fenced blocks of a language that contain these words. */
function blocks(text: string, language: string, words: string): string[] {
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, tag, block = '']) => tag === language && block.includes(words))
    .map(([, , block = '']) => block);
}

(hasKubectl ? describe : describe.skip)('an overlay in the documents', () => {
  test('of one’s own is the base with one’s own images', () => {
    const file = only(blocks(readme, 'yaml', '# kustomization.yaml'));
    const objects = renderOwn({ 'kustomization.yaml': file });
    const settings = ofKind(objects, 'ConfigMap', configMapSchema).flatMap(({ data }) =>
      Object.entries(data),
    );
    expect(parseConfig(Object.fromEntries(settings)).workerImage).toBe(
      'registry.example.com/jobspawn-worker:0.1.0',
    );
    expect(objects).toHaveLength(render('k8s/base').length);
  });

  test('for the load balancer of GKE has its class, and a backend with patience', () => {
    const files = {
      'kustomization.yaml': only(blocks(operations, 'yaml', '# kustomization.yaml')),
      'backend.yaml': only(blocks(operations, 'yaml', '# backend.yaml')),
    };
    const objects = renderOwn(files);
    const ingress = only(objects.filter(({ kind }) => kind === 'Ingress'));
    expect(ingress).toMatchObject({ metadata: { annotations: { 'kubernetes.io/ingress.class': 'gce' } } });
    expect(ingress['spec']).not.toHaveProperty('ingressClassName');
    const service = only(
      objects.filter(({ kind, metadata }) => kind === 'Service' && metadata.name === 'jobspawn'),
    );
    const backend = only(objects.filter(({ kind }) => kind === 'BackendConfig')).metadata.name;
    expect(service).toMatchObject({
      metadata: { annotations: { 'cloud.google.com/backend-config': `{"default": "${backend}"}` } },
    });
  });

  test('that narrows the way to the API server leaves no other way open', () => {
    const patch = only(blocks(readme, 'yaml', '/spec/egress'));
    const objects = renderOwn({ 'kustomization.yaml': `resources: ['<where this is>/k8s/base']\n${patch}` });
    const policies = ofKind(objects, 'NetworkPolicy', networkPolicySchema);
    const egress = policies.flatMap(({ spec }) => spec.egress ?? []);
    expect(egress.filter(({ to }) => to === undefined)).toEqual([]);
    expect(only(egress.filter(({ ports }) => ports.some(({ port }) => port === 6443))).to).toEqual([
      { ipBlock: { cidr: '192.0.2.1/32' } },
    ]);
  });
});

function writeDatabase(path: string, word: string): void {
  const db = new Database(path);
  db.exec(`CREATE TABLE words (word TEXT); INSERT INTO words VALUES ('${word}')`);
  db.close();
}
function wordIn(path: string): unknown {
  const db = new Database(path, { readonly: true });
  const word = db.prepare('SELECT word FROM words').pluck().get();
  db.close();
  return word;
}

describe('putting a backup back', () => {
  const pod = z
    .looseObject({
      metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }),
      spec: z.looseObject({
        serviceAccountName: z.string(),
        containers: z.array(
          z.looseObject({
            image: z.string(),
            command: z.array(z.string()),
            volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })),
          }),
        ),
        volumes: z.array(
          z.looseObject({
            name: z.string(),
            persistentVolumeClaim: z.object({ claimName: z.string() }).optional(),
          }),
        ),
      }),
    })
    .parse(readObject('k8s/restore-pod.yaml'));
  const programs = only(blocks(operations, 'sh', 'restore-pod.yaml'))
    .split(' -- node -e "')
    .slice(1)
    .map((rest) => rest.split('"')[0] ?? '');
  let dir: string;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'jobspawn-restore-pod-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  /** In the image the database is in /data, and packages are found from the working directory. */
  function run(program: string | undefined, input?: Buffer) {
    const args = ['-e', (program ?? '').replaceAll("'/data/", `'${dir}/`)];
    return spawnSync(process.execPath, args, { cwd: checkout, input, encoding: 'utf8' });
  }

  (hasKubectl ? test : test.skip)(
    'takes a pod that obeys "restricted", has the claim, and that no Service leads to',
    () => {
      const objects = render('k8s/base');
      expect(restrictedPodSchema.safeParse(pod.spec).error?.issues).toBeUndefined();
      const claim = pod.spec.volumes.find(({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined);
      expect(only(ofKind(objects, 'PersistentVolumeClaim', namedSchema)).metadata.name).toBe(
        claim?.persistentVolumeClaim?.claimName,
      );
      const [container] = pod.spec.containers;
      expect(container?.volumeMounts).toContainEqual({ name: claim?.name, mountPath: '/data' });
      expect(ofKind(objects, 'ServiceAccount', namedSchema).map(({ metadata }) => metadata.name)).toContain(
        pod.spec.serviceAccountName,
      );
      for (const { spec } of ofKind(objects, 'Service', serviceSchema))
        expect(pod.metadata.labels).not.toMatchObject(spec.selector);
    },
  );

  test('moves the old database aside with its log, and puts the copy in its place', () => {
    expect(programs).toHaveLength(2);
    writeDatabase(join(dir, 'backup'), 'new');
    writeDatabase(join(dir, 'jobspawn.db'), 'old');
    writeFileSync(join(dir, 'jobspawn.db-wal'), '');
    expect(run(programs[0], readFileSync(join(dir, 'backup')))).toMatchObject({ status: 0, stderr: '' });
    const swap = run(programs[1]);
    expect(swap).toMatchObject({ status: 0, stderr: '' });
    expect(wordIn(join(dir, 'jobspawn.db'))).toBe('new');
    const old = /the old one is (\S+)/.exec(swap.stdout)?.[1] ?? '';
    expect(existsSync(`${old}-wal`)).toBe(true);
    expect(existsSync(join(dir, 'jobspawn.db-wal'))).toBe(false);
    expect(wordIn(old)).toBe('old');
  });

  test('leaves the old database where it is when the copy has not come whole', () => {
    writeDatabase(join(dir, 'backup'), 'new');
    writeDatabase(join(dir, 'jobspawn.db'), 'old');
    run(programs[0], readFileSync(join(dir, 'backup')).subarray(0, 5000));
    expect(run(programs[1]).status).toBe(1);
    expect(wordIn(join(dir, 'jobspawn.db'))).toBe('old');
  });
});
