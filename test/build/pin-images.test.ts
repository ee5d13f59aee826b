import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parseReference } from '../../build/registry.ts';
import { startFakeRegistry } from './fake-registry.ts';

const program = fileURLToPath(new URL('../../build/pin-images.ts', import.meta.url));
let dir: string;
let registry: Awaited<ReturnType<typeof startFakeRegistry>>;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'pin-images-'));
  registry = await startFakeRegistry();
});
afterEach(async () => {
  await registry.stop();
  rmSync(dir, { recursive: true });
});

function write(name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

async function pin(...files: string[]) {
  const child = spawn(process.execPath, [program, ...files], { stdio: ['ignore', 'pipe', 'pipe'] });
  const printed = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.stderr += text));
  await once(child, 'close');
  return { code: child.exitCode, ...printed, texts: files.map((file) => readFileSync(file, 'utf8')) };
}

describe('npm run pin-images', () => {
  test('puts behind each tag the digest that the registry has for it, and touches nothing else', async () => {
    const base = `${registry.host}/library/node:24`;
    const tool = `${registry.host}/docker:28-cli`;
    const digest = registry.push('library/node', '24');
    const toolDigest = registry.push('docker', '28-cli');
    const dockerfile = `# FROM x:1\nARG NODE_IMAGE=${base}\nFROM \${NODE_IMAGE} AS install\nENV A_IMAGE_B=c:1\n`;
    const steps = `steps:\n  - id: build\n    name: ${tool}\n    args: [name, ${base}]\n`;
    const overlay = `literals:\n  - WORKER_IMAGE=${base}\n  - CLUSTER=in-cluster\n`;
    const files = [
      write('Dockerfile', dockerfile),
      write('build.yaml', steps),
      write('overlay.yaml', overlay),
    ];
    expect(await pin(...files)).toMatchObject({
      code: 0,
      stderr: '',
      texts: [
        dockerfile.replace(`=${base}`, `=${base}@${digest}`),
        steps.replace(`name: ${tool}`, `name: ${tool}@${toolDigest}`),
        overlay.replace(base, `${base}@${digest}`),
      ],
    });
  });

  test('moves a digest to where its tag is by now', async () => {
    const image = `${registry.host}/node:24`;
    const old = registry.push('node', '24');
    const file = write('Dockerfile', `ARG NODE_IMAGE=${image}\n`);
    await pin(file);
    const digest = registry.push('node', '24');
    expect(digest).not.toBe(old);
    expect(await pin(file)).toMatchObject({ code: 0, texts: [`ARG NODE_IMAGE=${image}@${digest}\n`] });
  });

  test('leaves what it could not read as it is, and says so', async () => {
    const known = `${registry.host}/known:1`;
    const digest = registry.push('known', '1');
    const unknown = `${registry.host}/unknown:1@sha256:${'0'.repeat(64)}`;
    const { code, stderr, texts } = await pin(
      write('Dockerfile', `ARG A_IMAGE=${known}\nARG B_IMAGE=${unknown}\n`),
    );
    expect(code).toBe(1);
    expect(stderr).toBe(`${registry.host}/unknown:1 stays as it is: http://${registry.host} answered 404.\n`);
    expect(texts).toEqual([`ARG A_IMAGE=${known}@${digest}\nARG B_IMAGE=${unknown}\n`]);
  });

  test('writes no digest that is not that of the manifest it was sent', async () => {
    registry.push('node', '24');
    registry.claim('node', '24', `sha256:${'0'.repeat(64)}`);
    const text = `ARG NODE_IMAGE=${registry.host}/node:24\n`;
    const { code, stderr, texts } = await pin(write('Dockerfile', text));
    expect(code).toBe(1);
    expect(stderr).toContain('but what it sent is sha256:');
    expect(texts).toEqual([text]);
  });

  test('changes nothing where no registry can be reached', async () => {
    const other = await startFakeRegistry();
    await other.stop();
    const text = `ARG NODE_IMAGE=${other.host}/node:24\n`;
    const { code, stderr, texts } = await pin(write('Dockerfile', text));
    expect(code).toBe(1);
    expect(stderr).toBe(`${other.host}/node:24 stays as it is: http://${other.host} cannot be reached.\n`);
    expect(texts).toEqual([text]);
  });
});

test.each([
  ['node:24', 'https://registry-1.docker.io', 'library/node', '24'],
  ['acme/node', 'https://registry-1.docker.io', 'acme/node', 'latest'],
  ['gcr.io/distroless/nodejs24:nonroot', 'https://gcr.io', 'distroless/nodejs24', 'nonroot'],
  ['registry.example.com:5000/a/b:1', 'https://registry.example.com:5000', 'a/b', '1'],
  ['localhost/a:1', 'http://localhost', 'a', '1'],
])('%s is looked for where docker would', (image, origin, repository, tag) => {
  expect(parseReference(image)).toEqual({ origin, repository, tag });
});
