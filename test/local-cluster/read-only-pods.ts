/**
 * A node whose pods make their directories read-only, in a process of its own: to root no directory is read-only, so that it
 * becomes somebody else first. Prints what it found as JSON; a rejection that nobody handles ends it, as it ends the service.
 */
import { chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { until } from '../support/until.ts';
import { isOver, startNode } from './node-under-test.ts';

const nobody = 65_534;
const [, , dataDir = ''] = process.argv;
if (process.getuid?.() === 0) {
  chownSync(dataDir, nobody, nobody);
  process.setgroups?.([]);
  process.setgid?.(nobody);
  process.setuid?.(nobody);
}
const podsDir = join(dataDir, 'pods');
const complaints: string[] = [];
const log = pino({ level: 'error' }, { write: (line: string) => complaints.push(line) });
const withReadOnly = (script: string) => ({
  command: ['sh', '-c', `mkdir -p a/b && touch a/b/c && chmod 500 a a/b . && echo ready; ${script}`],
});

const node = await startNode({ dataDir, log });
const heard: string[] = [];
node.registry.subscribe('pods', ({ type, object }) => {
  if (type === 'DELETED') heard.push(object.metadata.name);
});

const done = node.createPod(withReadOnly('true'), {}, { name: 'done' });
const running = node.createPod(withReadOnly('exec sleep 60'), {}, { name: 'running' });
await node.untilPod(done, isOver);
await until(async () => (await node.logOf(running)) === 'ready\n');
node.registry.delete('pods', { namespace: 'default', name: 'done' });
node.registry.delete('pods', { namespace: 'default', name: 'running' });
await node.untilGone(running);
// The removal follows the end; a rejection would come in its place.
await until(() => readdirSync(podsDir).length === 0);
const removed = complaints.length === 0;

await node.stopAll();
// What an earlier cluster could not remove, and where we cannot either.
mkdirSync(join(podsDir, 'stray/scratch/a/b'), { recursive: true });
chmodSync(join(podsDir, 'stray/scratch/a'), 0o500);
chmodSync(podsDir, 0o500);
await (await startNode({ dataDir, log })).stopAll();
const kept = readdirSync(podsDir);
chmodSync(podsDir, 0o700);
await (await startNode({ dataDir, log })).stopAll();
const left = readdirSync(podsDir);
console.log(JSON.stringify({ heard, removed, kept, told: complaints.length, left }));
