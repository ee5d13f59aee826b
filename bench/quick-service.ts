import type { Releasers } from '../src/app/releasers.ts';
import type { Shelves, Thing, WriteLog } from '../test/faults/quick-cluster.ts';
import { startQuickRig } from '../test/faults/quick-rig.ts';
import type { QuickRig } from '../test/faults/quick-rig.ts';
import type { SourceEdit } from '../test/faults/source-edits.ts';
import { launchers } from './machine.ts';
import type { Settings } from './plan.ts';
import { startEnv, startFlags } from './timed-service.ts';

type Options = {
  settings: Settings;
  releasers: Releasers;
  env?: Record<string, string>;
  edits?: readonly SourceEdit[];
  /** What becomes of a Job in the stub; nothing, unless said. */
  onCreate?: (cluster: Shelves, job: Thing) => void;
  writeLog?: WriteLog;
  /** Before the service starts: what stands in its database and in the cluster by then. */
  furnish?: (rig: QuickRig) => Promise<void>;
};

/**
 * The service as `npm start` has it, on a core of its own and on a stub of the cluster, whose Jobs never end unless said. Its one place in the cluster
 * is taken by the first job, so that from then on the queue only grows.
 */
export async function startQuickService({
  settings,
  releasers,
  env = {},
  edits = [],
  onCreate = () => {},
  writeLog,
  furnish = async () => {},
}: Options): Promise<QuickRig> {
  const rig = await startQuickRig({
    env: {
      ...toServiceEnv(settings),
      MAX_ACTIVE: '1',
      MAX_QUEUED: '100000000',
      ...env,
    },
    launcher: launchers.server,
    onCreate,
    ...(writeLog === undefined ? {} : { writeLog }),
  });
  releasers.push(() => rig.stop());
  await furnish(rig);
  rig.service.start(edits);
  // Not killed, as the rig would do it: what is killed writes no profile.
  releasers.push(async () => void (await rig.service.stop()));
  // With thousands of Jobs in the cluster, on a machine that others use too, it may take a while.
  await rig.service.untilReady({ timeoutMs: 60_000 });
  return rig;
}

/** What `npm start` sets, and the profiles that are asked for. */
export function toServiceEnv({ profileDir }: Settings): Record<string, string> {
  const profiling = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`];
  return { ...startEnv, NODE_OPTIONS: [...startFlags, ...profiling].join(' ') };
}
