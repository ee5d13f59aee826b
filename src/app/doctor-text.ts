import { verdicts } from '../core/cluster-report.ts';
import type { ClusterReport, Finding, Verdict } from '../core/cluster-report.ts';
import { toPlainText } from '../handlers/plain-text.ts';
import { toTextTable } from './text-table.ts';

/** A report for the terminal: what is asked, what is found, what mends it. */
export function toDoctorText(report: ClusterReport): string {
  const { findings, manifests } = report;
  const parts = [
    toHead(report),
    findings.map(toParagraph).join('\n'),
    ...(report.quotas.length === 0 ? [] : [toQuotaTable(report)]),
    toSum(findings),
    ...(manifests === '' ? [] : [`To apply (doctor --yaml prints this alone):\n\n${manifests.trimEnd()}`]),
  ];
  return toPlainText(parts.join('\n\n'));
}

/** `1 wrong, 2 warnings, 12 ok`: what there is none of is left out. */
export function toSum(findings: readonly Finding[]): string {
  const words: Record<Verdict, (count: number) => string> = {
    wrong: (count) => `${count} wrong`,
    unknown: (count) => `${count} could not be asked`,
    warning: (count) => `${count} ${count === 1 ? 'warning' : 'warnings'}`,
    ok: (count) => `${count} ok`,
  };
  return (['wrong', 'unknown', 'warning', 'ok'] as const)
    .map((verdict) => ({ verdict, count: findings.filter((each) => each.verdict === verdict).length }))
    .filter(({ count }) => count > 0)
    .map(({ verdict, count }) => words[verdict](count))
    .join(', ');
}

function toHead({ place, version, user }: ClusterReport): string {
  const facts = [
    `CLUSTER=${place.kind}`,
    `namespace ${place.namespace}`,
    ...(version === null ? [] : [`Kubernetes ${version}`]),
    ...(user === null ? [] : [`as ${user}`]),
  ];
  return facts.join(', ');
}

const width = Math.max(...verdicts.map((verdict) => verdict.length)) + 2;
const indent = ' '.repeat(width);

function toParagraph({ verdict, asked, sentence, mend }: Finding): string {
  const command = mend?.kind === 'command' ? [`${indent}  ${mend.command}`] : [];
  return [`${verdict.padEnd(width)}${asked}`, `${indent}${sentence}`, ...command].join('\n');
}

function toQuotaTable({ quotas }: ClusterReport): string {
  return toTextTable([
    ['QUOTA', 'RESOURCE', 'HARD', 'USED', 'LEFT'],
    ...quotas.map(({ quota, resource, hard, used, left }) => [quota, resource, hard, used, left]),
  ]);
}
