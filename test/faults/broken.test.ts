import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { breakages } from './breakages.ts';
import { crashAt } from './crash-points.ts';
import { startRig } from './rig.ts';
import type { Rig } from './rig.ts';
import type { SourceEdit } from './source-edits.ts';

let rig: Rig;

beforeEach(async () => {
  rig = await startRig();
});

afterEach(async () => {
  await rig.stop();
});

const create = { method: 'POST', path: /\/jobs$/ } as const;
const keyed = { outcome: 'SUCCEEDED', handle: 'key' } as const;

async function start(...edits: SourceEdit[]): Promise<void> {
  rig.service.start(edits);
  await rig.service.untilReady();
}

describe('the harness finds out when', () => {
  test('the name is drawn at dispatch: doubled', async () => {
    rig.proxy.inject({ name: 'drop', ...create, times: 1, action: { kind: 'drop-answer' } });
    await start(breakages['the name is drawn at dispatch']);
    await rig.client.submit(keyed);
    expect((await rig.conclude()).doubled).toEqual(['order 1 has 2 Kubernetes Jobs', 'order 1 ran 2 times']);
  });

  test('a name that is taken by our own Job passes for a foreign one: doubled', async () => {
    // Else the watch would tell whose it is before the create is repeated.
    rig.proxy.inject({
      name: 'silent',
      path: /jobs$|pods$/,
      watch: true,
      times: 2,
      action: { kind: 'fall-silent', afterEvents: 0 },
    });
    rig.proxy.inject({ name: 'drop', ...create, times: 1, action: { kind: 'drop-answer' } });
    await start(breakages['a name that is taken by our own Job passes for a foreign one']);
    await rig.client.submit(keyed);
    await until(() => rig.proxy.created.length === 2);
    await rig.service.kill();
    await start();
    expect((await rig.conclude()).doubled).toEqual(['order 1 has 2 Kubernetes Jobs', 'order 1 ran 2 times']);
  });

  test('the answer goes out before the commit: lost', async () => {
    await start(breakages['the answer goes out before the commit']);
    await rig.client.submit(keyed);
    await rig.service.kill();
    await start();
    expect((await rig.conclude()).lost).toEqual(['order 1 was accepted and is not known']);
  });

  test('a state is written without the compare: backwards', async () => {
    rig.proxy.inject({ name: 'late', ...create, times: 1, action: { kind: 'delay-answer', ms: 1000 } });
    await start(breakages['a state is written without the compare']);
    const { answers } = await rig.client.submit(keyed);
    await rig.untilEnded(answers[0] ?? '');
    await rig.untilRow(answers[0] ?? '', ({ state }) => state === 'CREATED');
    const { backwards } = await rig.conclude({ timeoutMs: 0 });
    expect(backwards).toContain('order 1 went from SUCCEEDED to CREATED');
  });

  test('a job that was sent is not taken up again: lost', async () => {
    rig.service.start([breakages['a job that was sent is not taken up again'], crashAt('claimed, not sent')]);
    await rig.service.untilReady();
    await rig.client.submit({ outcome: 'SUCCEEDED', handle: 'key' });
    await rig.service.ended();
    rig.service.start([breakages['a job that was sent is not taken up again']]);
    expect((await rig.conclude({ timeoutMs: 2000 })).lost).toContain('order 1 never ran');
  });

  test('an edit does not fit the source: the service does not start', async () => {
    rig.service.start([{ file: 'src/app/serve.ts', find: 'no such text', replace: '' }]);
    expect(await rig.service.ended()).toEqual({ code: 1, signal: null });
    expect(rig.service.logLines().join('\n')).toContain(
      'src/app/serve.ts holds 0 times what is to be edited: no such text',
    );
  });
});
