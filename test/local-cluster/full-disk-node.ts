/**
 * A node on a disk that takes nothing for a while, in a process of its own: the limit that plays the full disk holds for a whole
 * process, and what nobody catches ends it, as it would end the service. Prints what it found as JSON.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mock } from 'node:test';
import { pino } from 'pino';
import type { Pod } from '../../src/local-cluster/objects.ts';
import { until } from '../support/until.ts';
import { isOver, startNode } from './node-under-test.ts';

const [, , dataDir = ''] = process.argv;
const complaints: string[] = [];
const log = pino({ level: 'error' }, { write: (line: string) => complaints.push(line) });
const untilTold = (...words: string[]) =>
  until(() => complaints.some((line) => words.every((word) => line.includes(word))));

/** At once, so that nothing comes between a change that is stored and what follows from it. */
function limitFiles(most: number | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${most}:`]);
}
const fillDisk = () => limitFiles(4096);
const freeDisk = () => limitFiles('unlimited');

const shell = (script: string) => ({ command: ['sh', '-c', script] });
const isRunning = ({ status }: Pod) => status.phase === 'Running';

// The expiry of Events alone has such a timer.
mock.timers.enable({ apis: ['setInterval'] });
const aMinute = 60_000;
let aheadMs = 0;
const seen = Promise.withResolvers<void>();
const node = await startNode({
  dataDir,
  log,
  now: () => new Date(Date.now() + aheadMs),
  untilSeen: () => seen.promise,
});
const { registry } = node;

const end = join(dataDir, 'end');
// Time enough to end well; it passes before the end can be stored.
const deadlineSeconds = 12;
const ending = node.createPod(
  shell(`until [ -e ${end} ]; do sleep 0.05; done`),
  { activeDeadlineSeconds: deadlineSeconds },
  { name: 'ending' },
);
const deleted = node.createPod(shell('exec sleep 60'), {}, { name: 'deleted' });
const timed = node.createPod(shell('exec sleep 60'), { activeDeadlineSeconds: 5 }, { name: 'timed' });
for (const pod of [ending, deleted, timed]) await node.untilPod(pod, isRunning);

const involvedObject = { kind: 'Job', name: 'a' };
registry.create('namespaces', '', { metadata: { name: 'going' } });
for (const namespace of ['going', 'default'])
  registry.create('events', namespace, {
    metadata: { name: 'old' },
    involvedObject: { ...involvedObject, namespace },
  });
aheadMs = 2 * 60 * aMinute;
registry.delete('pods', { namespace: 'default', name: 'deleted' });
registry.delete('namespaces', { namespace: '', name: 'going' });
fillDisk();

mock.timers.tick(aMinute);
seen.resolve();
writeFileSync(end, '');
await untilTold('old Events could not be removed');
await untilTold('a namespace could not be emptied', '"going"');
for (const name of ['ending', 'deleted', 'timed']) await untilTold('could not be stored', `default/${name}"`);
await untilTold('an Event was lost', 'Killing');
await until(() => Date.now() > Date.parse(ending.metadata.creationTimestamp) + (deadlineSeconds + 2) * 1000);
const meanwhile = registry.list('pods').map(({ status }) => status.phase);

freeDisk();
mock.timers.tick(aMinute);
const ends = await Promise.all([ending, timed].map((pod) => node.untilPod(pod, isOver)));
await node.untilGone(deleted);
await until(() => registry.find('namespaces', '', 'going') === undefined);
const oldEvents = registry.list('events').filter(({ metadata }) => metadata.name === 'old').length;

const last = node.createPod(shell('exec sleep 60'));
await node.untilPod(last, isRunning);
fillDisk();
await node.stopAll();
freeDisk();
const next = await startNode({ dataDir, log });
const afterStop = next.find(last)?.status.phase;
await next.stopAll();

console.log(
  JSON.stringify({
    meanwhile,
    ends: ends.map(({ status }) => [status.phase, status.reason].join(' ').trim()),
    oldEvents,
    afterStop,
  }),
);
