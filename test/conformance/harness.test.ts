import { describe, expect, test } from '@jest/globals';
import { compareOutput } from './kubectl-replay.ts';
import { createBindings } from './bindings.ts';
import { compareValues } from './comparison.ts';
import { isObject, parseJson, type Json } from './json.ts';
import type { KnownDifference } from './known-differences.ts';
import { createReckoning, type Finding } from './reckoning.ts';
import { playUntilSure } from './repeated-play.ts';
import { loadRecording, type Recording, type Sighting } from './recording.ts';
import { loadTranscript } from './transcript.ts';
import { findParting, groupByName, runsPodsInParallel, tellJob, tellPod } from './stories.ts';
import { compareStories } from './story-comparison.ts';

/** What is hidden on purpose: changing it must not matter, so these leaves are left alone. */
const hidden = /^\.?(metadata\.)?(resourceVersion|continue)$|resourceVersion|managedFields|\.cells\[/;
const looksRandom =
  /^\d{4}-\d\d-\d\dT|^[0-9a-f-]{36}$|^\d+\.\d+\.\d+\.\d+$|[0-9a-f]{64}$|^\(left out\)$|\.[0-9a-f]{16}$/;

/** Every copy of the value in which one leaf or one field was spoilt. */
function* corruptions(value: Json, path = ''): Generator<{ path: string; spoilt: Json }> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      for (const { path: at, spoilt } of corruptions(item, `${path}[${index}]`))
        yield { path: at, spoilt: value.with(index, spoilt) };
    }
    yield { path: `${path} one more`, spoilt: [...value, 'one more'] };
  } else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      for (const { path: at, spoilt } of corruptions(item, `${path}.${key}`))
        yield { path: at, spoilt: { ...value, [key]: spoilt } };
      const { [key]: dropped, ...rest } = value;
      if (dropped !== undefined && !hidden.test(`${path}.${key}`))
        yield { path: `${path}.${key} dropped`, spoilt: rest };
    }
  } else if (!hidden.test(path) && !(typeof value === 'string' && looksRandom.test(value))) {
    yield {
      path,
      spoilt:
        typeof value === 'number'
          ? value + 1
          : typeof value === 'boolean'
            ? !value
            : `${String(value)} spoilt`,
    };
  }
}

/**
 * What a status holds and no story tells: moments, counts that come and go too fast, and what is the machine's own.
 * The answers to GET hold these against the recordings.
 */
const notTold =
  /Time|At$|At |ready|observedGeneration|IP|ip\b|image|ID|started|user|resources|qosClass|uncounted|one more|terminating|lastState|spec/;

const load = (name: string): Recording => loadRecording(name, (text) => text);
const told = (recording: Recording) => ({
  jobs: recording.jobs,
  pods: recording.pods,
  events: recording.events,
});
const exact = { partial: false };

const version = (resourceVersion: string): Json => ({ uid: 'a', resourceVersion });
const finding = (job: string) => ({ at: `03-failing-backoff job ${job}`, recorded: 1, actual: 2 });
const rewrite = (sightings: Sighting[], from: RegExp, to: string): Sighting[] =>
  sightings.map((one) => ({ ...one, object: parseJson(JSON.stringify(one.object).replace(from, to)) }));

const judge = (one: KnownDifference) =>
  createReckoning('real', 'plain HTTP', {
    differences: [one],
    steps: [],
    commands: [],
    unsaid: [],
  }).unexplained([finding('fails')]);

describe('the suite itself', () => {
  test('finds nothing when a recording is held against itself', () => {
    for (const name of [
      '02-minimal-job',
      '03-failing-backoff',
      '04-completions-parallelism',
      '05-indexed',
      '09-on-failure-restarts',
      '19-termination',
    ]) {
      const recording = load(name);
      expect(
        compareStories(name, told(recording), told(recording), createBindings(), { busy: false }),
      ).toEqual([]);
      for (const { response } of recording.steps) {
        expect(compareValues(response?.body, response?.body, createBindings(), exact)).toEqual([]);
      }
    }
  });

  test('sees each spoilt leaf, lost field and added item of an answer', () => {
    const { steps } = load('13-validation-errors');
    const unseen: string[] = [];
    for (const [index, { response }] of steps.entries()) {
      const body = response?.body ?? null;
      // A long body differs from the others only in what was sent: the refusals are what matters here.
      if (!isObject(body) || body['kind'] !== 'Status') continue;
      for (const { path, spoilt } of corruptions(body)) {
        if (compareValues(body, spoilt, createBindings(), exact).length === 0)
          unseen.push(`#${index} ${path}`);
      }
    }
    expect(unseen).toEqual([]);
  });

  test('sees each spoilt leaf and lost field of a created Job', () => {
    const body = load('03-failing-backoff').steps[0]?.response?.body ?? null;
    const unseen = [...corruptions(body)].filter(
      ({ spoilt }) => compareValues(body, spoilt, createBindings(), exact).length === 0,
    );
    expect(unseen.map(({ path }) => path)).toEqual([]);
  });

  test('sees that a version moved where the recorded one stayed', () => {
    const bindings = createBindings();
    expect(compareValues(version('5'), version('70'), bindings, { ...exact, steady: true })).toEqual([]);
    expect(compareValues(version('5'), version('71'), bindings, { ...exact, steady: true })).toHaveLength(1);
  });

  test.each(['02-minimal-job', '03-failing-backoff', '07-active-deadline', '08-suspend'])(
    'sees each scene that is missing from the stories of %s',
    (name) => {
      const recording = load(name);
      const jobs = [...groupByName(recording.jobs).values()].map((job) =>
        tellJob(job, runsPodsInParallel(job)),
      );
      const pods = [...groupByName(recording.pods).values()].map((pod) => tellPod(pod));
      for (const scenes of [...jobs, ...pods]) {
        for (const index of scenes.keys())
          expect(findParting(scenes, scenes.toSpliced(index, 1), false)).toBeDefined();
      }
    },
  );

  test('sees each spoilt leaf of the last status of a Job and of a pod', () => {
    const recording = load('03-failing-backoff');
    const unseen = (['jobs', 'pods'] as const).flatMap((kind) => {
      const last = recording[kind].findLast(({ name }) => name.startsWith('fails-once'));
      const status = isObject(last?.object) ? (last.object['status'] ?? null) : null;
      return [...corruptions(status)].filter(({ path, spoilt }) => {
        const object = isObject(last?.object) ? { ...last.object, status: spoilt } : null;
        const story = recording[kind].map((sighting) =>
          sighting === last ? { ...sighting, object } : sighting,
        );
        const seen = compareStories(
          '03',
          told(recording),
          { ...told(recording), [kind]: story },
          createBindings(),
          { busy: false },
        );
        return seen.length === 0 && !notTold.test(path);
      });
    });
    expect(unseen.map(({ path }) => path)).toEqual([]);
  });

  test('sees a pod that ends otherwise, an Event too few, one too many, and a retry too early', () => {
    const recording = load('03-failing-backoff');
    const spoil = (change: (story: ReturnType<typeof told>) => Partial<ReturnType<typeof told>>) => {
      const story = told(load('03-failing-backoff'));
      return compareStories('03', told(recording), { ...story, ...change(story) }, createBindings(), {
        busy: false,
      });
    };
    expect(spoil(({ pods }) => ({ pods: rewrite(pods, /"exitCode":3/g, '"exitCode":4') }))).not.toEqual([]);
    expect(
      spoil(({ pods }) => ({ pods: pods.filter(({ type, ms }) => type === 'ADDED' || ms > 2_000) })),
    ).not.toEqual([]);
    expect(spoil(({ events }) => ({ events: events.slice(1) }))).not.toEqual([]);
    expect(
      spoil(({ events }) => ({
        events: events.concat(events.slice(0, 1).map((event) => ({ ...event, reason: 'More' }))),
      })),
    ).not.toEqual([]);
    const early = /"creationTimestamp":"2026-11-20T23:41:46Z"/g;
    expect(JSON.stringify(recording.pods)).toMatch(early);
    expect(
      spoil(({ pods }) => ({ pods: rewrite(pods, early, '"creationTimestamp":"2026-11-20T23:41:40Z"') })),
    ).not.toEqual([]);
  });

  test('reports an entry of the tables that no longer matches anything', () => {
    const difference = { recordings: ['03-failing-backoff'], at: [/job fails$/], why: 'a reason' };
    const skip = { recording: '03-failing-backoff', steps: [4], why: 'another' };
    const reckoning = createReckoning('local', 'plain HTTP', {
      differences: [difference],
      steps: [skip],
      commands: [],
      unsaid: [],
    });
    expect(reckoning.stale(['03-failing-backoff'])).toHaveLength(2);
    expect(reckoning.unexplained([finding('fails'), finding('other')])).toHaveLength(1);
    expect(reckoning.skips('03-failing-backoff', 4)).toBe(true);
    expect(reckoning.stale(['03-failing-backoff'])).toEqual([]);
  });

  test('plays again what differed, and believes what differed each time', async () => {
    const [steady, late, later] = [finding('steady'), finding('late'), finding('later')];
    const lines: string[] = [];
    const playsOf = (...plays: (Finding[] | Error)[]) => {
      const again = async () => {
        const next = plays.shift();
        if (next === undefined) throw new Error('one play too many');
        if (next instanceof Error) throw next;
        return next;
      };
      const first = again();
      return playUntilSure('03', { first, again, quiet: Promise.resolve() }, (line) => lines.push(line));
    };
    expect(await playsOf([])).toEqual([]);
    expect(lines).toEqual([]);
    expect(await playsOf([late], [later])).toEqual([]);
    expect(lines.join('')).toContain('job late');
    expect(await playsOf([steady, late], [steady], [{ ...steady, actual: 3 }, later])).toEqual([steady]);
    expect(await playsOf(new Error('stalled'), [steady], [steady])).toEqual([steady]);
    expect(await playsOf(new Error('stalled'), [])).toEqual([]);
    const broken = [new Error('one'), new Error('two'), new Error('three')];
    await expect(playsOf(...broken)).rejects.toThrow('three');
  });

  test('forgives a real cluster nothing but its pace', () => {
    const difference = { recordings: ['03-failing-backoff'], at: [/job fails$/], why: 'a reason' };
    expect(judge(difference)).toHaveLength(1);
    expect(judge({ ...difference, chance: true })).toEqual([]);
  });

  test('sees a lost line, another word and another exit code of a command', () => {
    for (const command of loadTranscript((text) => text)) {
      expect(compareOutput(command, command)).toEqual([]);
      expect(compareOutput(command, { ...command, exitCode: 7 })).not.toEqual([]);
      expect(compareOutput(command, { ...command, stdout: [...command.stdout, 'one more'] })).not.toEqual([]);
      const { stdout } = command;
      for (const index of stdout.keys()) {
        const isBlank = stdout[index]?.trim() === '';
        if (isBlank) continue;
        expect(compareOutput(command, { ...command, stdout: stdout.toSpliced(index, 1) })).not.toEqual([]);
        expect(
          compareOutput(command, { ...command, stdout: stdout.with(index, `${stdout[index]} spoilt`) }),
        ).not.toEqual([]);
      }
    }
  });
});
