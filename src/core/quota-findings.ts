import { finding } from './cluster-report.ts';
import type { Finding, Quota, QuotaRow, Seen } from './cluster-report.ts';
import type { JobSpec } from './job-request.ts';
import { parseQuantity, toQuantity } from './quantity.ts';

const asked = 'ResourceQuota';
/** Of `count/jobs.batch`: what is used beyond this part of it is nearly all. */
const nearly = 0.9;

type Usual = { maxActive: number; resources: JobSpec['resources'] };

/** What each quota leaves, and whether `MAX_ACTIVE` jobs of the usual size fit into it. */
export function judgeQuotas(quotas: Seen<readonly Quota[]>, usual: Usual): Finding[] {
  if (!quotas.ok) {
    if (quotas.code === 404) return [finding('quota', asked, 'ok', 'This cluster knows no quotas.')];
    return [finding('quota', asked, 'unknown', `It could not be read: ${quotas.message}.`)];
  }
  if (quotas.value.length === 0) {
    const sentence = `There is none: nothing but MAX_ACTIVE (${usual.maxActive}) bounds what all jobs take together.`;
    return [finding('quota', asked, 'ok', sentence)];
  }
  return quotas.value.map((quota) => judgeQuota(quota, usual));
}

function judgeQuota(quota: Quota, usual: Usual): Finding {
  const name = `${asked} ${quota.name}`;
  if (quota.isScoped) return finding('quota', name, 'ok', 'It counts only some pods, by its scopes.');
  const faults = toRoom(quota, usual.resources).flatMap((room) => findFaults(room, usual.maxActive));
  if (faults.length > 0) return finding('quota', name, 'warning', faults.join(' '));
  return finding(
    'quota',
    name,
    'ok',
    `There is room for MAX_ACTIVE (${usual.maxActive}) jobs of the usual size.`,
  );
}

type Room = { resource: string; hard: number; used: number; ofOneJob: number };

function toRoom({ hard, used }: Quota, { cpu, memory }: Usual['resources']): Room[] {
  const cores = parseQuantity(cpu) ?? 0;
  const bytes = parseQuantity(memory) ?? 0;
  const ofOneJob: Record<string, number> = {
    'count/jobs.batch': 1,
    pods: 1,
    'count/pods': 1,
    cpu: cores,
    'requests.cpu': cores,
    'limits.cpu': cores,
    memory: bytes,
    'requests.memory': bytes,
    'limits.memory': bytes,
  };
  return Object.entries(hard).flatMap(([resource, limit]) => {
    const amount = parseQuantity(limit);
    const needed = Object.hasOwn(ofOneJob, resource) ? ofOneJob[resource] : undefined;
    if (amount === null || needed === undefined) return [];
    return [{ resource, hard: amount, used: parseQuantity(used[resource] ?? '0') ?? 0, ofOneJob: needed }];
  });
}

function findFaults({ resource, hard, used, ofOneJob }: Room, maxActive: number): string[] {
  // A little is forgiven: 0.3 / 0.1 is not quite 3.
  const fitting = (amount: number) => Math.max(0, Math.floor(amount / ofOneJob + 1e-6));
  if (fitting(hard - used) === 0) return [`Of ${resource} nothing is left for another job: new ones wait.`];
  if (resource === 'count/jobs.batch' && used >= nearly * hard) {
    return [
      `${resource} is nearly used up: ${used} of ${hard}, finished Jobs that wait for their TTL included.`,
    ];
  }
  if (fitting(hard) >= maxActive) return [];
  return [
    `${resource} has room for ${fitting(hard)} jobs of the usual size, and MAX_ACTIVE is ${maxActive}.`,
  ];
}

/** What is left of each hard limit. */
export function toQuotaRows(quotas: Seen<readonly Quota[]>): QuotaRow[] {
  if (!quotas.ok) return [];
  return quotas.value.flatMap(({ name, hard, used }) =>
    Object.entries(hard).map(([resource, limit]) => {
      const taken = used[resource] ?? '0';
      const [all, part] = [parseQuantity(limit), parseQuantity(taken)];
      const left = all === null || part === null ? '?' : toQuantity(Math.max(0, all - part), limit);
      return { quota: name, resource, hard: limit, used: taken, left };
    }),
  );
}
