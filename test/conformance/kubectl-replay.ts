import { recordedImage, type ClusterUnderTest } from './cluster-under-test.ts';
import type { Finding, Reckoning } from './reckoning.ts';
import { maskNames } from './masks.ts';
import { demand, hasConditions } from './demands.ts';
import { spellCommand } from './known-differences.ts';
import { openTerminal, type Output, type Terminal } from './terminal.ts';
import { loadTranscript, type TypedCommand } from './transcript.ts';
import { until } from '../support/until.ts';

/** Types all commands of the transcript again, one after the other, and compares what is printed. */
export async function replayTranscript(cluster: ClusterUnderTest, reckoning: Reckoning): Promise<Finding[]> {
  const namespace = await cluster.createNamespace('conformance-kubectl');
  const terminal = await openTerminal(cluster, namespace);
  const findings: Finding[] = [];
  try {
    const commands = loadTranscript((text) =>
      text
        .replaceAll('demo-kubectl', namespace)
        .replaceAll(recordedImage, cluster.image)
        .replaceAll('node-1', cluster.nodeName)
        // Time enough for all that is asked while it runs, on a slow machine too.
        .replaceAll('sleep 14', 'sleep 40')
        .replaceAll('sleep 30', cluster.kind === 'local' ? spellCommand('sleep 30') : 'sleep 30'),
    );
    for (const command of commands) {
      if (reckoning.skipsCommand(command.title)) continue;
      if (command.title.startsWith(watchedSection)) {
        if (command.title.includes('create'))
          findings.push(...(await watchOneRun(terminal, cluster, namespace, commands)));
        continue;
      }
      findings.push(...compareOutput(command, await terminal.run(command.script)));
      await settle(cluster, namespace, command.title);
    }
    return findings;
  } finally {
    await terminal.close();
  }
}

/** The recorder waited here until there was something to see. */
async function settle(cluster: ClusterUnderTest, namespace: string, title: string): Promise<void> {
  const [section = '', name = ''] = title.split(' / ');
  if (!name.startsWith('create -f')) return;
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  if (section.startsWith('create, get'))
    await until(
      async () =>
        (await demand(cluster.client, { method: 'GET', path: `${path}/hello` })).raw.includes('"ready":1'),
      { timeoutMs: 60_000 },
    );
  if (section === 'failing')
    await until(() => hasConditions(cluster.client, `${path}/fails`, 'Failed'), { timeoutMs: 60_000 });
}

const watchedSection = 'watch one run';

/** Three people watch while one creates a Job, waits for its end, and deletes it. */
async function watchOneRun(
  terminal: Terminal,
  cluster: ClusterUnderTest,
  namespace: string,
  all: TypedCommand[],
): Promise<Finding[]> {
  const commands = all.filter(({ title }) => title.startsWith(watchedSection));
  const watchers = commands.filter(({ script }) => script.includes('--watch'));
  const open = await Promise.all(
    watchers.map(async (command) => ({ command, watch: await terminal.watch(command.script) })),
  );
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs/watched`;
  const findings: Finding[] = [];
  for (const command of commands.filter(({ script }) => !script.includes('--watch'))) {
    findings.push(...compareOutput(command, await terminal.run(command.script)));
    if (command.title.includes('create'))
      await until(() => hasConditions(cluster.client, path, 'Complete'), { timeoutMs: 60_000 });
  }
  for (const { command, watch } of open) {
    const seen = await watch.interrupt();
    const recorded = { ...command, stdout: fold(command.stdout) };
    findings.push(...compareOutput(recorded, { stdout: fold(seen.stdout), stderr: [], exitCode: 0 }));
  }
  return findings;
}

/** Updates that print the same line are one to a reader. */
const fold = (lines: string[]): string[] => {
  const plain = lines.map(normalize);
  return plain.filter((line, index) => line !== plain[index - 1]);
};

/** What a command printed against what the transcript shows. */
export function compareOutput(command: TypedCommand, seen: Output): Finding[] {
  const at = `kubectl ${command.title}`;
  const findings: Finding[] = [];
  // Events of one second are printed in any order.
  const isUnordered = /describe|events/.test(command.script);
  const read = (lines: string[]) => {
    const plain = lines.map(normalize).filter(Boolean);
    return isUnordered ? plain.toSorted() : plain;
  };
  const compare = (what: string, recorded: string[], actual: string[]) => {
    const [wanted, own] = [read(recorded), cutAlike(read(recorded), read(actual))];
    const missing = wanted.filter((line) => !own.includes(line));
    const surplus = own.filter((line) => !wanted.includes(line));
    if (wanted.join('\n') === own.join('\n')) return;
    const isOrder = missing.length === 0 && surplus.length === 0;
    findings.push({
      at: `${at}, ${what}`,
      recorded: isOrder ? wanted : missing,
      actual: isOrder ? own : surplus,
    });
  };
  compare('output', command.stdout, seen.stdout);
  compare('messages', command.stderr, seen.stderr);
  if (command.exitCode !== seen.exitCode)
    findings.push({ at: `${at}, exit code`, recorded: command.exitCode, actual: seen.exitCode });
  return findings;
}

/** The transcript cuts very long lines. */
const cutAlike = (recorded: string[], actual: string[]): string[] =>
  actual.map((line, index) => {
    const wanted = recorded[index] ?? '';
    return wanted.endsWith('...') ? `${line.slice(0, wanted.length - 3)}...` : line;
  });

/** What differs between two runs, and between the versions of kubectl that the transcript tells of. */
function normalize(line: string): string {
  return maskNames(line)
    .replace(/\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000/g, '<date>')
    .replace(/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000/g, '<date>')
    .replace(/\b(\d+[dhms])+\b/g, '<age>')
    .replace(/(resourceVersion: )"\d+"/, '$1<version>')
    .replace(/\/tmp\/(LIVE|MERGED)-\d+/g, '/tmp/$1')
    .replace(/ deleted from \S+ namespace$/, ' deleted')
    .replace(/ out of: main$/, '')
    .replace(/spec\.containers\{main\}: /, '')
    .replace(/[ \t]+/g, ' ')
    .trimEnd();
}
