import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { z } from 'zod';
import { checkout } from '../manifests/image.ts';

const folder = join(checkout, '.github', 'workflows');

const stepSchema = z.strictObject({
  id: z.string().optional(),
  name: z.string().optional(),
  if: z.string().optional(),
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  env: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
});
const permissions = z.record(z.string(), z.enum(['read', 'write']));

/** As much of the format as we use: a word that is misspelt is none of it. */
const workflowSchema = z.strictObject({
  name: z.string(),
  on: z.strictObject({ push: z.unknown(), pull_request: z.null().optional() }),
  permissions: z.strictObject({ contents: z.literal('read') }),
  jobs: z.record(
    z.string(),
    z.strictObject({
      'runs-on': z.literal('ubuntu-latest'),
      'timeout-minutes': z.number(),
      needs: z.string().optional(),
      permissions: permissions.optional(),
      strategy: z.unknown().optional(),
      steps: z.array(stepSchema).min(1),
    }),
  ),
});

const { scripts, version } = z
  .object({ scripts: z.record(z.string(), z.string()), version: z.string() })
  .parse(JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')));

const read = (name: string) => workflowSchema.parse(load(readFileSync(join(folder, name), 'utf8')));
const npmScripts = /\bnpm run ([\w:-]+)/g;
/** Files of ours that a command names. */
const paths = /(?:^|\s)((?:\.ci|build|k8s)\/[\w./-]+)/gm;

test('there is a workflow for every change and one for releases', () => {
  expect(readdirSync(folder).toSorted()).toEqual(['ci.yaml', 'release.yaml']);
});

describe.each(readdirSync(folder))('%s', (name) => {
  const { jobs } = read(name);
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  const commands = steps.flatMap(({ run = [] }) => run);

  test('has steps that each do one thing, and takes actions by their version', () => {
    for (const { uses, run } of steps) {
      expect([uses, run].filter((each) => each !== undefined)).toHaveLength(1);
      if (uses !== undefined) expect(uses).toMatch(/^[\w-]+\/[\w-]+@(v\d+|[0-9a-f]{40})$/);
    }
  });

  test('names scripts, programs and folders that are there', () => {
    const named = commands.flatMap((run) => [...run.matchAll(npmScripts)].map(([, script]) => script));
    expect(named.filter((script) => script === undefined || !(script in scripts))).toEqual([]);
    const files = commands.flatMap((run) => [...run.matchAll(paths)].map(([, path = '']) => path));
    expect(files.filter((path) => !existsSync(join(checkout, path)))).toEqual([]);
  });

  test('needs no job that is missing', () => {
    for (const { needs } of Object.values(jobs))
      if (needs !== undefined) expect(Object.keys(jobs)).toContain(needs);
  });
});

test('CI runs what people run, and in kind the images that the overlay names, a job, and the suite', () => {
  const { check, kind } = read('ci.yaml').jobs;
  expect(check?.steps.map(({ run }) => run)).toContain('.ci/run');
  const commands = kind?.steps.flatMap(({ run = [] }) => run).join('\n') ?? '';
  for (const words of [
    `docker build --provenance=false --file build/app.Dockerfile --tag jobspawn:${version} `,
    `docker build --provenance=false --file build/worker.Dockerfile --tag jobspawn-worker:${version} `,
    `kind load docker-image --name jobspawn jobspawn:${version} jobspawn-worker:${version}`,
    'kubectl apply -k k8s/overlays/kind',
    'node build/submit-job.ts',
    'npm run test:cluster',
  ]) {
    expect(commands).toContain(words);
  }
  const base = readFileSync(join(checkout, 'k8s', 'base', 'kustomization.yaml'), 'utf8');
  expect(base).toContain(`newTag: ${version}\n`);
  expect(base).toContain(`WORKER_IMAGE=jobspawn-worker:${version}\n`);
});

test('a release has both images with SBOM and provenance, and only the job that needs a right has it', () => {
  const { images, release } = read('release.yaml').jobs;
  expect(images?.strategy).toEqual({
    matrix: {
      include: [
        { file: 'app', image: 'jobspawn' },
        { file: 'worker', image: 'jobspawn-worker' },
      ],
    },
  });
  const build = images?.steps.find(({ uses }) => uses?.startsWith('docker/build-push-action@'));
  expect(build?.with).toMatchObject({
    sbom: true,
    provenance: 'mode=max',
    file: 'build/${{ matrix.file }}.Dockerfile',
    platforms: 'linux/amd64,linux/arm64',
  });
  expect(images?.steps.at(-1)?.uses).toMatch(/^actions\/attest-build-provenance@/);
  expect(images?.permissions).toEqual({
    contents: 'read',
    packages: 'write',
    'id-token': 'write',
    attestations: 'write',
  });
  expect(release?.permissions).toEqual({ contents: 'write' });
});
