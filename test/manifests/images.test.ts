import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { z } from 'zod';
import { until } from '../support/until.ts';
import {
  checkout,
  copies,
  execForm,
  instructionsOf,
  readBuildContext,
  readDockerfile,
  unpackImage,
} from './image.ts';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'image-'));
});
afterAll(() => rm(root, { recursive: true }));

/** Starts a command of an image in the folder that stands for it, with the environment given and no other. */
function start(
  words: readonly string[],
  { folder, env = {} }: { folder: string; env?: Record<string, string> },
) {
  const args = words.slice(1).map((word) => (word.startsWith('/app/') ? join(folder, word) : word));
  const child = spawn(process.execPath, ['--preserve-symlinks', '--preserve-symlinks-main', ...args], {
    cwd: join(folder, 'app'),
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.stderr += text));
  const ended = once(child, 'close').then(([code]) => ({
    code: z.number().nullable().parse(code),
    ...printed,
  }));
  /** Throws once nothing more will be printed. */
  const greeting = (): string => {
    if (child.exitCode !== null) throw new Error(`it ended: ${printed.stderr}`);
    return printed.stdout;
  };
  return { ended, greeting, kill: () => child.kill('SIGTERM') };
}

describe.each(['app', 'worker'])('the image of the %s', (name) => {
  test('is made from files that exist and that the build gets to see', async () => {
    const seen = await readBuildContext();
    const sources = copies(await readDockerfile(`${name}.Dockerfile`)).flatMap((copy) =>
      copy.from === undefined ? copy.sources : [],
    );
    expect(sources.length).toBeGreaterThan(0);
    for (const source of sources) {
      expect(existsSync(join(checkout, source))).toBe(true);
      expect(seen).toContain(source.split('/')[0]);
    }
  });

  test('runs node itself, as nobody', async () => {
    const image = instructionsOf(await readDockerfile(`${name}.Dockerfile`));
    expect(image.findLast(({ word }) => word === 'USER')?.rest).toBe('65532:65532');
    expect(execForm(image, 'ENTRYPOINT')[0]).toBe('node');
  });

  test('is built by Cloud Build from its own Dockerfile', async () => {
    const build = z
      .object({
        steps: z.array(z.looseObject({ name: z.string(), args: z.array(z.string()) })).length(2),
        substitutions: z.record(z.string(), z.string()),
      })
      .parse(load(await readFile(join(checkout, 'build', `${name}.cloudbuild.yaml`), 'utf8')));
    for (const step of build.steps) expect(step.name).toMatch(/^docker:\d+-cli(@sha256:[0-9a-f]{64})?$/);
    const args = build.steps[1]?.args ?? [];
    expect(args[args.indexOf('--file') + 1]).toBe(`build/${name}.Dockerfile`);
    expect(args[args.indexOf('--tag') + 1]).toBe('${_IMAGE}');
    expect(args).toEqual(expect.arrayContaining(['--sbom=true', '--provenance=mode=max']));
    expect(build.substitutions['_IMAGE']).toMatch(name === 'app' ? /\/jobspawn:/ : /\/jobspawn-worker:/);
  });

  test('stands on bases with a version, and takes packages from the lockfile alone', async () => {
    const instructions = await readDockerfile(`${name}.Dockerfile`);
    const bases = instructions.filter(({ word }) => word === 'ARG').map(({ rest }) => rest.split('=')[1]);
    expect(bases.length).toBeGreaterThan(0);
    for (const base of bases) {
      expect(base).toMatch(
        /^(node:24-trixie-slim|[\w./]+\/nodejs24-debian13:nonroot)(@sha256:[0-9a-f]{64})?$/,
      );
    }
    const fetching = instructions.filter(({ word, rest }) => word === 'RUN' && !rest.startsWith('["'));
    expect(fetching.map(({ rest }) => rest)).toEqual(['npm ci --omit=dev --omit=optional']);
    expect(instructions.filter(({ word }) => word === 'ADD')).toEqual([]);
  });
});

describe('the image of the worker', () => {
  test('holds all that the worker needs, and three small packages', async () => {
    const instructions = await readDockerfile('worker.Dockerfile');
    const folder = join(root, 'worker');
    await unpackImage(instructionsOf(instructions), folder);

    const image = instructionsOf(instructions);
    const run = start(
      [...execForm(image, 'ENTRYPOINT'), ...execForm(image, 'CMD'), '--duration', '0s', '--error-rate', '0'],
      { folder },
    );
    expect(await run.ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/SUCCESS\n$/) });
    expect((await readdir(join(folder, 'app/node_modules'))).toSorted()).toEqual([
      'is-network-error',
      'ms',
      'p-retry',
    ]);
    expect((await readdir(join(folder, 'app/src'))).toSorted()).toEqual(['core', 'job-worker']);
    expect(await readdir(join(folder, 'app/src/core'))).toEqual(['report-limits.ts']);
  });

  test('can be warmed while it is built, which fills the cache that it starts from', async () => {
    const instructions = await readDockerfile('worker.Dockerfile');
    const folder = join(root, 'warm');
    await unpackImage(instructionsOf(instructions, 'worker'), folder);

    const env = { NODE_COMPILE_CACHE: join(root, 'compile-cache') };
    const warming = instructionsOf(instructions, 'warm').filter(({ rest }) => rest.startsWith('["node"'));
    expect(await start(execForm(warming, 'RUN'), { folder, env }).ended).toMatchObject({ code: 0 });
    expect(await readdir(env.NODE_COMPILE_CACHE)).toHaveLength(1);
  });
});

describe('the image of the app', () => {
  test('has nothing to run but node: its last stage runs no command and stands on a base without a shell', async () => {
    const instructions = await readDockerfile('app.Dockerfile');
    const image = instructionsOf(instructions);
    expect(image.find(({ word }) => word === 'FROM')?.rest).toBe('${RUNTIME_IMAGE}');
    expect(instructions.find(({ rest }) => rest.startsWith('RUNTIME_IMAGE='))?.rest).toContain(
      '/distroless/',
    );
    expect(image.filter(({ word }) => word === 'RUN')).toEqual([]);
    expect(image.find(({ word }) => word === 'ENV')?.rest).toMatch(/^PATH=\/nodejs\/bin:/);
  });

  test('serves its pages with their files, and its health check sees it live and die', async () => {
    const image = instructionsOf(await readDockerfile('app.Dockerfile'));
    const folder = join(root, 'app-image');
    await unpackImage(image, folder);

    // In the image all but /data and /tmp is read-only.
    const cache =
      image.map(({ rest }) => /NODE_COMPILE_CACHE=(\/tmp\/\S+)/.exec(rest)?.[1]).find(Boolean) ?? '';
    const env = {
      DATABASE_PATH: join(root, 'data', 'jobspawn.db'),
      CLUSTER: 'local',
      LOG_LEVEL: 'warn',
      NODE_COMPILE_CACHE: join(root, cache),
    };
    const app = start(execForm(image, 'ENTRYPOINT'), { folder, env: { ...env, PORT: '0' } });
    const healthCheck = (port: string) =>
      start(execForm(image, 'HEALTHCHECK'), { folder, env: { ...env, PORT: port } }).ended;
    try {
      const url = await until(() => /http:\S+:\d+/.exec(app.greeting())?.[0], { timeoutMs: 60_000 });
      const { origin, port } = new URL(url);
      expect(await healthCheck(port)).toMatchObject({ code: 0 });

      const page = await (await fetch(`${origin}/jobs`)).text();
      const files = [...page.matchAll(/(?:href|src)="(\/[^"]+\.(?:css|js|svg|png|ico))[^"]*"/g)].map(
        ([, path]) => path,
      );
      expect(files.length).toBeGreaterThan(0);
      for (const path of files) {
        expect([path, (await fetch(`${origin}${path}`)).status]).toEqual([path, 200]);
      }
      const doctor = start(['node', '/app/src/app/cli.ts', 'doctor', '--try'], {
        folder,
        env: { ...env, PORT: port },
      });
      expect(await doctor.ended).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('Its report came in'),
      });

      app.kill();
      await app.ended;
      expect(await healthCheck(port)).toMatchObject({ code: 1 });
      // Hundreds of modules: of the service, and not of the health check alone.
      const compiled = await readdir(join(root, 'tmp/compile-cache'), { recursive: true });
      expect(compiled.length).toBeGreaterThan(100);
    } finally {
      app.kill();
      await app.ended;
    }
  });
});
