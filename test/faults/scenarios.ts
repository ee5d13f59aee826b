import { setTimeout as delay } from 'node:timers/promises';
import { findFaults } from './checker.ts';
import type { Rig } from './rig.ts';

const create = { method: 'POST', path: /\/jobs$/ } as const;
const watches = { watch: true, path: /\/(jobs|pods)$/ } as const;
const keyed = { outcome: 'SUCCEEDED', handle: 'key' } as const;

async function start({ service }: Rig): Promise<void> {
  service.start();
  await service.untilReady();
}

const submit = ({ client }: Rig, jobs: number) =>
  Promise.all(Array.from({ length: jobs }, () => client.submit(keyed)));

/** Faults that take their time. Each plays on a rig of its own, and returns a sentence for each thing that went wrong. */
export const scenarios = {
  /** Both watches fall silent without an end; it is found out within 90 s. */
  async 'half-open'(rig: Rig): Promise<string[]> {
    rig.proxy.inject({
      name: 'watch: half-open',
      ...watches,
      times: 2,
      action: { kind: 'fall-silent', afterEvents: 0 },
    });
    await start(rig);
    await submit(rig, 5);
    return findFaults(await rig.conclude({ timeoutMs: 100_000 }));
  },

  /** Creates that the server commits, or answers, 59 s after it was asked, long after the service has asked again. */
  async 'late-answers'(rig: Rig): Promise<string[]> {
    rig.proxy.inject({
      name: 'create: 59 s late',
      ...create,
      times: 3,
      action: { kind: 'delay', ms: 59_000 },
    });
    rig.proxy.inject({
      name: 'create: answered 59 s late',
      ...create,
      times: 3,
      action: { kind: 'delay-answer', ms: 59_000 },
    });
    await start(rig);
    await submit(rig, 10);
    // The late ones must have come, too, before anything is counted.
    await delay(65_000);
    return findFaults(await rig.conclude());
  },

  /** The API server is away for ten minutes; what was accepted meanwhile is done afterwards. */
  async outage(rig: Rig): Promise<string[]> {
    await start(rig);
    await submit(rig, 5);
    await rig.proxy.down();
    await submit(rig, 50);
    await delay(600_000);
    await rig.proxy.up();
    return findFaults(await rig.conclude({ timeoutMs: 120_000 }));
  },
} as const satisfies Record<string, (rig: Rig) => Promise<string[]>>;
