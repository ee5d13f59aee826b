import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { until } from '../support/until.ts';
import { findFaults } from './checker.ts';
import { findFreePort } from './free-port.ts';
import { startRig } from './rig.ts';
import type { Rig } from './rig.ts';
import { createServiceProcess } from './service-process.ts';

let rig: Rig;

beforeAll(async () => {
  rig = await startRig();
});

afterEach(async () => {
  rig.proxy.calm();
  await rig.service.kill();
});

afterAll(async () => {
  await rig.stop();
});

/** Kubernetes' own, from the signal to the kill. */
const gracePeriodMs = 30_000;

test('fault 19: a second instance on the database leaves with one sentence, and the first goes on serving', async () => {
  rig.service.start();
  await rig.service.untilReady();
  const { databasePath } = rig.service;
  const second = createServiceProcess({
    databasePath,
    kubeconfigPath: rig.proxy.kubeconfigPath,
    port: await findFreePort(),
  });
  second.start();
  expect(await second.ended()).toEqual({ code: 1, signal: null });
  expect(second.logLines()).toEqual([
    `Another instance is already running on the database ${databasePath}; stop it first.`,
  ]);
  await rig.client.submit({ outcome: 'SUCCEEDED', handle: 'bare', speaks: true });
  expect(findFaults(await rig.conclude())).toEqual([]);
});

test('fault 25: a service that is told to stop under load finishes what is in flight, leaves in time, and has promised nothing that is not kept', async () => {
  // So that only the answer to a create tells its uid, and not the watch.
  rig.proxy.inject({
    name: 'watch: silent',
    path: /\/(jobs|pods)$/,
    watch: true,
    action: { kind: 'fall-silent', afterEvents: 0 },
  });
  const slow = rig.proxy.inject({
    name: 'create: late answer',
    method: 'POST',
    path: /\/jobs$/,
    action: { kind: 'delay-answer', ms: 1500 },
  });
  rig.service.start();
  await rig.service.untilReady();
  const answered = () => rig.client.asked.filter(({ answers }) => answers.length > 0).length;
  const before = answered();
  const pushing = push({ clients: 4, everyMs: 100, until: rig.service.ended() });
  await until(() => slow.hits() > 2 && answered() > before + 5);
  const stopping = rig.service.stop();
  await until(() => rig.service.hasEnded(), { timeoutMs: gracePeriodMs });
  expect(await stopping).toEqual({ code: 0, signal: null });

  // Nobody was left in doubt: each Job that was made is known by its uid.
  const known = readUids(rig.service.databasePath);
  expect(rig.proxy.created.filter(({ uid }) => !known.has(uid))).toEqual([]);

  rig.proxy.calm();
  rig.service.start();
  await pushing;
  expect(findFaults(await rig.conclude())).toEqual([]);
});

/** Clients that ask for one job after the other; resolves when each has its last answer. */
async function push(load: { clients: number; everyMs: number; until: Promise<unknown> }): Promise<void> {
  const over = new AbortController();
  void load.until.then(() => over.abort());
  await Promise.all(
    Array.from({ length: load.clients }, async (_none, n) => {
      const wish = { outcome: 'SUCCEEDED', handle: n % 2 === 0 ? 'bare' : 'key' } as const;
      for (; !over.signal.aborted; await delay(load.everyMs)) await rig.client.submit(wish);
    }),
  );
}

function readUids(path: string): Set<string> {
  const db = new Database(path, { readonly: true });
  try {
    const uids = db.prepare('SELECT kubernetes_uid FROM jobs WHERE kubernetes_uid IS NOT NULL').pluck().all();
    return new Set(z.array(z.string()).parse(uids));
  } finally {
    db.close();
  }
}
