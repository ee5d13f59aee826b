import type { SourceEdit } from './source-edits.ts';

/** The instructions between which a process dies with the worst luck. */
const places = {
  'accepted, not answered': {
    file: 'src/handlers/job-api.ts',
    after: 'function sendAccepted(res: Response, job: Job): void {',
  },
  'claimed, not sent': {
    file: 'src/control/create-attempts.ts',
    before: 'const outcome = await kube.createJob(manifest, signal);',
  },
  'created, not settled': {
    file: 'src/control/create-attempts.ts',
    before: 'attempt.sent.lastAt = clock().getTime();',
  },
  'settled, not told': {
    file: 'src/control/create-attempts.ts',
    after: 'await store.groupCommit(change, { canWait: true });',
  },
  'report kept, not answered': {
    file: 'src/handlers/status-report.ts',
    after: 'refuseUnkept(await keep(report));',
  },
} as const satisfies Record<string, { file: string; before: string } | { file: string; after: string }>;

export type CrashPoint = keyof typeof places;

export const crashPoints = [
  'accepted, not answered',
  'claimed, not sent',
  'created, not settled',
  'settled, not told',
  'report kept, not answered',
] as const satisfies readonly CrashPoint[];

/** Kills the process by itself, as `kill -9` does, when it comes by for the n-th time. */
export function crashAt(point: CrashPoint, pass = 1): SourceEdit {
  const place = places[point];
  const crash = `globalThis.passes = (globalThis.passes ?? 0) + 1; if (globalThis.passes === ${pass}) process.kill(process.pid, 'SIGKILL');`;
  return 'after' in place
    ? { file: place.file, find: place.after, replace: `${place.after}\n${crash}` }
    : { file: place.file, find: place.before, replace: `${crash}\n${place.before}` };
}
