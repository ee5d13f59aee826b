/**
 * `npm run pin-images [-- FILE...]`: puts the digest of each base image behind its tag, in the Dockerfiles and Cloud Build files or in
 * the files named. Run again, it moves the digests to where the tags are by then. A digest that was not read is never written: what
 * cannot be read stays as it is, and the exit code is 1.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { readDigest } from './registry.ts';

/** `ARG NODE_IMAGE=node:24`, `- WORKER_IMAGE=...` of a kustomization, `name: docker:28-cli` of a build step. */
const mention = /^(?<before>\s*(?:(?:ARG |- )\w*_IMAGE=|name: ))(?<image>[^\s@]+:[\w.-]+)(?<digest>@\S+)?$/gm;

const named = process.argv.slice(2);
const files = named.length > 0 ? named : globSync('build/*.{Dockerfile,cloudbuild.yaml}').toSorted();
const texts = files.map((file): [string, string] => [file, readFileSync(file, 'utf8')]);
const images = new Set(
  texts.flatMap(([, text]) => [...text.matchAll(mention)].map(({ groups }) => groups?.['image'] ?? '')),
);

const digests = new Map<string, string>();
for (const image of images) {
  try {
    const digest = await readDigest(image);
    digests.set(image, digest);
    console.log(`${image} is ${digest}`);
  } catch (error) {
    console.error(`${image} stays as it is: ${error instanceof Error ? error.message : String(error)}.`);
    process.exitCode = 1;
  }
}

for (const [file, text] of texts) {
  const pinned = text.replaceAll(mention, (line: string, before: string, image: string) => {
    const digest = digests.get(image);
    return digest === undefined ? line : `${before}${image}@${digest}`;
  });
  if (pinned === text) continue;
  writeFileSync(file, pinned);
  console.log(`${file} is pinned`);
}
