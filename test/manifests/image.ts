import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** There is no container engine in the tests: an image is its COPY lines, carried out into a folder. */

export const checkout = fileURLToPath(new URL('../..', import.meta.url));

type Instruction = { stage: string; word: string; rest: string };

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({ dev: z.boolean().optional(), optional: z.boolean().optional() }),
  ),
});

/** The instructions of a Dockerfile, comments and continuations resolved; a stage without a name is called by its number. */
export async function readDockerfile(name: string): Promise<Instruction[]> {
  const text = await readFile(join(checkout, 'build', name), 'utf8');
  const instructions: Instruction[] = [];
  let stage = '';
  let stages = 0;
  for (const line of text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')) {
    const [word = '', rest = ''] = line.split(/ (.*)/s);
    if (word === 'FROM') stage = / AS (\S+)$/.exec(rest)?.[1] ?? String(stages);
    if (word === 'FROM') stages++;
    if (word !== '') instructions.push({ stage, word, rest });
  }
  return instructions;
}

/** The instructions that make a stage, those of the stages it is built on first; the last stage if none is named. */
export function instructionsOf(all: readonly Instruction[], stage = all.at(-1)?.stage): Instruction[] {
  const own = all.filter((instruction) => instruction.stage === stage);
  const base = own.find(({ word }) => word === 'FROM')?.rest.split(' ')[0];
  return all.some((other) => other.stage === base) ? [...instructionsOf(all, base), ...own] : own;
}

/** The words of an instruction in exec form; the last one counts, as in the image. */
export function execForm(instructions: readonly Instruction[], word: string): string[] {
  const rest = instructions.findLast((instruction) => instruction.word === word)?.rest ?? '';
  return z.array(z.string()).parse(JSON.parse(rest.slice(rest.indexOf('['))));
}

export function copies(
  instructions: readonly Instruction[],
): { from: string | undefined; sources: string[]; to: string }[] {
  return instructions
    .filter(({ word }) => word === 'COPY')
    .map(({ rest }) => {
      const words = rest.split(' ').filter((word) => !word.startsWith('--'));
      const from = /--from=(\S+)/.exec(rest)?.[1];
      return { from, sources: words.slice(0, -1), to: words.at(-1) ?? '' };
    });
}

/**
 * Makes in `root` what the image has under /app. Packages are links to those that `npm ci --omit=dev --omit=optional`
 * would install: run Node with --preserve-symlinks, or it finds the others as well.
 */
export async function unpackImage(instructions: readonly Instruction[], root: string): Promise<void> {
  for (const { from, sources, to } of copies(instructions)) {
    for (const source of sources) {
      const target = join(root, 'app', to, sources.length > 1 || to === './' ? source : '');
      if (from === undefined) await cp(join(checkout, source), target, { recursive: true });
      else if (source.startsWith('/app/node_modules'))
        await linkPackages(relative('/app', source), join(root, 'app'));
    }
  }
}

async function linkPackages(below: string, app: string): Promise<void> {
  const lock = lockSchema.parse(JSON.parse(await readFile(join(checkout, 'package-lock.json'), 'utf8')));
  const installed = Object.entries(lock.packages)
    .filter(([path, { dev, optional }]) => path.lastIndexOf('node_modules/') === 0 && !dev && !optional)
    .map(([path]) => path)
    .filter((path) => path === below || path.startsWith(`${below}/`));
  for (const path of installed) {
    await mkdir(dirname(join(app, path)), { recursive: true });
    await symlink(join(checkout, path), join(app, path));
  }
}

/** What of the checkout the build gets to see: .dockerignore lets in by name and nothing else. */
export async function readBuildContext(): Promise<string[]> {
  const lines = (await readFile(join(checkout, '.dockerignore'), 'utf8'))
    .split('\n')
    .filter((line) => /^[^#]/.test(line));
  return lines[0] === '*' ? lines.slice(1).map((line) => line.replace(/^!/, '')) : [];
}
