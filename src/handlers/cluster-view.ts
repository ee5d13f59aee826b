import { toRuleYaml } from '../core/cluster-mend.ts';
import { areas } from '../core/cluster-report.ts';
import type { Area, ClusterReport, Finding, Mend, Verdict } from '../core/cluster-report.ts';
import type { Place } from '../core/cluster-rights.ts';
import type { ControlHealth } from '../core/readiness.ts';
import type { SpecPolicy } from '../core/spec-policy.ts';
import type { QueueStatus } from '../store/queue.ts';
import { toPlainText } from './plain-text.ts';
import { toUtcText } from './times.ts';

/** The cluster as its page shows it: every text ready to print. */

const verdictLabels: Record<Verdict, string> = {
  ok: 'OK',
  warning: 'Warning',
  wrong: 'Wrong',
  unknown: 'Not known',
};

const areaTitles: Record<Area, string> = {
  connection: 'Connection',
  rights: 'What it needs',
  excess: 'What it must not have',
  namespace: 'Namespace',
  quota: 'Quota',
  reports: 'Reports from pods',
  clock: 'Clock',
};

const places = {
  local: 'the local cluster',
  kubeconfig: 'the cluster of KUBECONFIG',
  'in-cluster': 'the cluster it runs in',
};

export function toClusterView({ at, place, version, user, findings, quotas, manifests }: ClusterReport) {
  return {
    at: toMoment(at),
    place: places[place.kind],
    namespace: place.namespace,
    version: toPlainText(version ?? 'not known'),
    user: toPlainText(user ?? 'not known'),
    ...toVerdict(findings),
    parts: areas
      .map((area) => ({
        id: area,
        title: areaTitles[area],
        findings: findings.filter((each) => each.area === area).map(toFindingView),
      }))
      .filter((part) => part.findings.length > 0),
    quotas,
    manifests: manifests === '' ? null : toPlainText(manifests),
    applyCommand: `${doctorOf(place)} --yaml | kubectl apply -f -`,
  };
}

/** How the same is asked from a terminal. */
function doctorOf({ kind, ownNamespace }: Place): string {
  if (kind !== 'in-cluster') return 'npm run --silent jobspawn -- doctor';
  return `kubectl -n ${ownNamespace ?? 'jobspawn'} exec deploy/jobspawn -- node src/app/cli.ts doctor`;
}

/** The worst of all findings, and a sentence for it. */
function toVerdict(findings: readonly Finding[]): { verdict: Verdict; label: string; summary: string } {
  const count = (verdict: Verdict) => findings.filter((each) => each.verdict === verdict).length;
  const verdict = (['wrong', 'unknown', 'warning', 'ok'] as const).find((each) => count(each) > 0) ?? 'ok';
  const many = count(verdict);
  const sentences: Record<Verdict, string> = {
    wrong: many === 1 ? 'One thing is wrong.' : `${many} things are wrong.`,
    unknown: many === 1 ? 'One thing could not be asked.' : `${many} things could not be asked.`,
    warning: `It works, with ${many === 1 ? 'one warning' : `${many} warnings`}.`,
    ok: 'Everything that is needed is there.',
  };
  return { verdict, label: verdictLabels[verdict], summary: sentences[verdict] };
}

function toFindingView({ asked, verdict, sentence, mend }: Finding) {
  return {
    verdict,
    label: verdictLabels[verdict],
    asked: toPlainText(asked),
    sentence: toPlainText(sentence),
    mend: mend === null ? null : toPlainText(toMendText(mend)),
  };
}

function toMendText(mend: Mend): string {
  if (mend.kind === 'rule') return toRuleYaml(mend.rule);
  return mend.kind === 'manifest' ? mend.yaml : mend.command;
}

/** What `/readyz` says, in the words of a page. */
export function toHealthView({ ready, degraded, watches, loops }: ControlHealth) {
  const syncs = watches === null ? [] : [watches.jobs.lastSyncAt, watches.pods.lastSyncAt];
  // Both lists have to have come; the older one tells how old the picture is.
  const lastSync = syncs.includes(null) ? undefined : syncs.filter((time) => time !== null).toSorted()[0];
  const all = Object.values(loops);
  const failing = all.filter(({ lastError }) => lastError !== null).length;
  return {
    ready,
    degraded: degraded.map(toPlainText),
    lastSync: lastSync === undefined ? null : toMoment(lastSync),
    loops: failing === 0 ? `${all.length}, all go round` : `${all.length}, ${failing} failed in the last run`,
  };
}

export type Limits = { workerImage: string; maxActive: number; maxQueued: number; specPolicy: SpecPolicy };

/** The limits in force, each under the variable that sets it; those that are not set have no row. */
export function toLimitRows(
  { workerImage, maxActive, maxQueued, specPolicy }: Limits,
  { active, depth }: QueueStatus,
) {
  const { images, requireDigest, cpu, memory, parallelism, activeDeadlineSeconds, ttlSecondsAfterFinished } =
    specPolicy;
  const rows: [variable: string, value: string | number | undefined][] = [
    ['MAX_ACTIVE', `${maxActive} (${active} now)`],
    ['MAX_QUEUED', `${maxQueued} (${depth} now)`],
    ['WORKER_IMAGE', workerImage],
    ['ALLOWED_IMAGES', images.join(', ')],
    ['REQUIRE_IMAGE_DIGEST', requireDigest ? 'yes' : undefined],
    ['MAX_CPU', cpu],
    ['MAX_MEMORY', memory],
    ['MAX_PARALLELISM', parallelism],
    ['MAX_DEADLINE_SECONDS', activeDeadlineSeconds],
    ['MAX_TTL_SECONDS', ttlSecondsAfterFinished],
  ];
  return rows.flatMap(([variable, value]) =>
    value === undefined ? [] : [{ variable, value: toPlainText(String(value)) }],
  );
}

function toMoment(time: string) {
  return { iso: time, text: toUtcText(time) };
}
