import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readUnstarted } from '../../src/control/unstarted-pages.ts';
import { openStage } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';
import { runningPod } from '../support/sightings.ts';

let stage: Stage;

beforeEach(() => {
  stage = openStage();
});

afterEach(() => stage.close());

const create = (count: number) =>
  Array.from({ length: count }, (_none, n) =>
    stage.create({ id: `job-${n}`, kubernetesName: `report-${n}` }),
  );

test('all jobs that wait come, the oldest first, with turns for others in between', async () => {
  const ids = create(250);
  let turns = 0;
  const watch = (async () => {
    while (turns < 2) {
      await nextTurn();
      turns += 1;
    }
  })();
  const turnsBefore: number[] = [];
  const read: string[] = [];
  for await (const page of readUnstarted(stage.store)) {
    turnsBefore.push(turns);
    read.push(...page.map(({ id }) => id));
  }
  await watch;
  expect(read).toEqual(ids);
  expect(turnsBefore).toEqual([0, 1, 2]);
});

test('what starts between two pages is not told of as waiting', async () => {
  const ids = create(101);
  const read: string[] = [];
  for await (const page of readUnstarted(stage.store)) {
    read.push(...page.map(({ id }) => id));
    stage.store.observePod(ids[100] ?? '', runningPod());
  }
  expect(read).toEqual(ids.slice(0, 100));
});
