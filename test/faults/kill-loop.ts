import { setTimeout as delay } from 'node:timers/promises';
import type { Asked, Handle, Wish } from './client.ts';
import { crashAt, crashPoints } from './crash-points.ts';
import type { Dice } from './dice.ts';
import type { Rig } from './rig.ts';
import type { SourceEdit } from './source-edits.ts';

const handles = ['key', 'key', 'id', 'bare'] as const satisfies readonly Handle[];

/** An order as it comes: of either fate, by any handle, one in six through our own worker. */
function drawWish(dice: Dice): Wish {
  return {
    outcome: dice.chance(0.25) ? 'FAILED' : 'SUCCEEDED',
    handle: dice.pick(handles),
    speaks: dice.chance(1 / 6),
    seconds: dice.between(0, 3) / 10,
  };
}

/** Submits so many jobs, spread over this time, with these further fields; resolves when each has its answer, or is known to have none. */
export async function submitOver(
  { client }: Pick<Rig, 'client'>,
  { jobs, ms, dice, fields = {} }: { jobs: number; ms: number; dice: Dice; fields?: Record<string, unknown> },
): Promise<Asked[]> {
  const orders: Promise<Asked>[] = [];
  for (let n = 0; n < jobs; n += 1) {
    orders.push(client.submit({ ...drawWish(dice), fields }));
    await delay(ms / jobs);
  }
  return Promise.all(orders);
}

/**
 * One life of the service, from its start to its violent end: at an exact instruction that it comes by, or whenever the dice say,
 * which may be before it has begun.
 */
export async function liveAndDie(
  { service }: Pick<Rig, 'service'>,
  { dice, longestMs, edits = [] }: { dice: Dice; longestMs: number; edits?: readonly SourceEdit[] },
): Promise<string> {
  const atOnce = dice.chance(0.15);
  const exactly = !atOnce && dice.chance(0.5);
  const point = dice.pick(crashPoints);
  service.start(exactly ? [...edits, crashAt(point, dice.between(1, 6))] : edits);
  if (atOnce) await Promise.race([service.ended(), delay(dice.between(50, 700))]);
  else {
    await service.untilReady().catch(() => {});
    await Promise.race([service.ended(), delay(dice.between(20, longestMs))]);
  }
  const diedByItself = service.hasEnded();
  const { code } = await service.kill();
  if (code !== null)
    throw new Error(`the service ended by itself: ${service.logLines().slice(-5).join('\n')}`);
  return diedByItself ? point : atOnce ? 'while it started' : 'at any time';
}
