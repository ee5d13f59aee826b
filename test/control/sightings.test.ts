import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createSightings } from '../../src/control/sightings.ts';
import type { Sighting } from '../../src/control/sightings.ts';
import { openStage } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';

let stage: Stage;
let done: string[];
let commits: number;
/** Of each bite, whether it may wait for company. */
let waits: boolean[];
let unsubscribe: () => void;
/** In ms; it stands still unless it is moved. */
let clock: number;

beforeEach(() => {
  stage = openStage();
  for (const id of ['a', 'b', 'c']) stage.accept({ id, kubernetesName: `report-${id}` });
  done = [];
  commits = 0;
  waits = [];
  clock = 0;
  unsubscribe = stage.store.onCommit(() => (commits += 1));
});

afterEach(() => {
  unsubscribe();
  stage.close();
});

type Options = Parameters<typeof createSightings>[0];

const recordingGroupCommit: Options['groupCommit'] = (change, how) => {
  waits.push(how.canWait);
  return stage.store.groupCommit(change, how);
};

function open({ groupCommit = recordingGroupCommit }: Partial<Pick<Options, 'groupCommit'>> = {}) {
  return createSightings({
    groupCommit,
    elapsed: () => clock,
    onStored: ({ uid }) => done.push(`${uid} stored`),
    tellAlone({ uid, alone }) {
      try {
        alone();
        done.push(`${uid} alone`);
      } catch {
        done.push(`${uid} refused`);
      }
    },
  });
}

/** Something that is seen in the history of a job. */
function note(id: string, reason: string): Sighting {
  const change = () => stage.store.noteQueued(id, { reason, explanation: reason });
  return { uid: `${id} ${reason}`, together: change, alone: change };
}

function fail(): never {
  throw new Error('CHECK constraint failed');
}

/** The same, in more time than a bite has. */
const dawdle = ({ uid, together, alone }: Sighting): Sighting => ({
  uid,
  alone,
  together() {
    clock += 5;
    together();
  },
});

const reasonOf = (id: string) => stage.store.findJob(id)?.reason;

test('what is seen in one turn is stored in one transaction, in its order', async () => {
  const sightings = open();
  for (const reason of ['First', 'Second']) for (const id of ['a', 'b']) sightings.add(note(id, reason));
  await sightings.stored();
  expect(commits).toBe(1);
  expect(done).toEqual(['a First stored', 'b First stored', 'a Second stored', 'b Second stored']);
  expect([reasonOf('a'), reasonOf('b')]).toEqual(['Second', 'Second']);
});

test('one that cannot be stored leaves nothing of itself behind, and undoes none of its neighbours', async () => {
  const sightings = open();
  const { uid, together } = note('b', 'Faulty');
  sightings.add(note('a', 'First'));
  sightings.add({
    uid,
    together() {
      together();
      fail();
    },
    alone: fail,
  });
  sightings.add(note('c', 'Third'));
  await sightings.stored();
  expect([reasonOf('a'), reasonOf('b'), reasonOf('c')]).toEqual(['First', null, 'Third']);
  expect(done.filter((word) => word.startsWith('b'))).toEqual(['b Faulty refused']);
});

/** A store on a full disk: what is done in a transaction is undone, where one can begin. */
const failing =
  ({ begins }: { begins: boolean }): Options['groupCommit'] =>
  async (change) => {
    if (begins) change();
    throw new Error('the disk is full');
  };

test('others have their turn between those that are told one by one', async () => {
  const sightings = open({ groupCommit: failing({ begins: true }) });
  const told: number[] = [];
  const turns = setInterval(() => told.push(done.length), 0);
  for (let nth = 0; nth < 50; nth += 1) {
    sightings.add({
      uid: 'a',
      together: () => {},
      alone() {
        const end = performance.now() + 2;
        while (performance.now() < end);
      },
    });
  }
  await sightings.stored();
  clearInterval(turns);
  expect(done).toHaveLength(50);
  expect(told.some((count) => count > 0 && count < 50)).toBe(true);
});

test('where not even a transaction can begin, each is told alone', async () => {
  const sightings = open({ groupCommit: failing({ begins: false }) });
  for (const id of ['a', 'b']) sightings.add({ uid: id, together: () => {}, alone: fail });
  await sightings.stored();
  expect(done).toEqual(['a refused', 'b refused']);
});

test('a bite ends when its time is over, and the rest comes in the next one, which waits for nothing', async () => {
  const sightings = open();
  for (const id of ['a', 'b', 'c']) sightings.add(dawdle(note(id, 'Slow')));
  await sightings.stored();
  expect(commits).toBe(3);
  // The first bite, the question whether all is stored, and two more bites.
  expect(waits).toEqual([true, false, false, false]);
  expect(done).toEqual(['a Slow stored', 'b Slow stored', 'c Slow stored']);
});

test('who asks whether all is stored is not kept waiting for company', async () => {
  let group: (() => void)[] = [];
  const groupCommit: Options['groupCommit'] = (change, { canWait }) =>
    new Promise((resolve) => {
      group.push(() => resolve(change()));
      if (canWait) return;
      for (const commit of group) commit();
      group = [];
    });
  const sightings = open({ groupCommit });
  sightings.add(note('a', 'First'));
  expect(done).toEqual([]);
  await sightings.stored();
  expect(done).toEqual(['a First stored']);
});

test('what comes while a bite is stored is stored after it', async () => {
  const sightings = open();
  sightings.add(note('a', 'First'));
  const first = sightings.stored();
  const unsubscribeOnce = stage.store.onCommit(() => {
    unsubscribeOnce();
    sightings.add(note('a', 'Second'));
  });
  await first;
  expect(reasonOf('a')).toBe('Second');
});
