import { AppError } from '../core/app-error.ts';
import { judgeAddress, judgeEvidence } from '../core/callback-findings.ts';
import type { CallbackSettings } from '../core/callback-findings.ts';
import {
  judgeClock,
  judgeConnection,
  judgeExcess,
  judgeNamespace,
  judgeNeeded,
} from '../core/cluster-findings.ts';
import { toManifests } from '../core/cluster-mend.ts';
import { isEmbedded } from '../core/cluster-report.ts';
import type { ClusterLook, ClusterReport, Finding, ReportEvidence } from '../core/cluster-report.ts';
import type { Place } from '../core/cluster-rights.ts';
import { judgeQuotas, toQuotaRows } from '../core/quota-findings.ts';
import { jobRequestSchema } from '../core/job-request.ts';

export type CheckCluster = (signal: AbortSignal) => Promise<ClusterReport>;

type Options = {
  place: Place;
  look: (signal: AbortSignal) => Promise<ClusterLook>;
  /** What the store knows; null where there is none. */
  findEvidence: () => ReportEvidence | null;
  callback: () => CallbackSettings;
  maxActive: number;
  clock: () => Date;
};

/** What a job asks for that says nothing of it. */
const { resources } = jobRequestSchema.parse({ name: 'usual' });

/** One look at the cluster and at what the store knows, and what both mean. Rejects, `unavailable`, only when the signal is aborted. */
export function createClusterCheck({
  place,
  look,
  findEvidence,
  callback,
  maxActive,
  clock,
}: Options): CheckCluster {
  return async (signal) => {
    const at = clock().toISOString();
    const seen = await look(signal).catch((cause: unknown) => {
      if (!signal.aborted) throw cause;
      throw new AppError('unavailable', 'The service is stopping.', { cause });
    });
    const version = seen.version.ok ? seen.version.value : null;
    const user = seen.user.ok ? seen.user.value : null;
    const embedded = isEmbedded(place, version);
    const evidence = findEvidence();
    const findings: Finding[] = [
      judgeConnection(seen, place),
      ...(isSilent(seen)
        ? []
        : [
            ...judgeNeeded(seen, place),
            ...judgeExcess(seen, place),
            ...judgeNamespace(seen, place),
            ...judgeQuotas(seen.quotas, { maxActive, resources }),
          ]),
      judgeAddress(callback(), { isEmbedded: embedded, kind: place.kind }, evidence),
      judgeEvidence(evidence, { isEmbedded: embedded }),
      ...(isSilent(seen) ? [] : [judgeClock(seen)]),
    ];
    return {
      at,
      place,
      version,
      user,
      findings,
      quotas: toQuotaRows(seen.quotas),
      manifests: toManifests(findings, place, user),
    };
  };
}

/** Of a server that does not answer there is only this one thing to say. */
function isSilent({ version }: ClusterLook): boolean {
  return !version.ok && version.code === 0;
}

const usualFreshMs = 10_000;

/** For many viewers: whoever comes while a look is under way, or soon after it, shares it. So a page is no way to flood the API server. */
export function shareCheck(
  check: () => Promise<ClusterReport>,
  {
    freshMs = usualFreshMs,
    elapsed = () => performance.now(),
  }: { freshMs?: number; elapsed?: () => number } = {},
): () => Promise<ClusterReport> {
  let last: { report: Promise<ClusterReport>; endedAt: number } | undefined;

  return () => {
    if (last !== undefined && elapsed() - last.endedAt < freshMs) return last.report;
    const look = { report: check(), endedAt: Infinity };
    last = look;
    look.report.then(
      () => (look.endedAt = elapsed()),
      // Nobody shares a failure.
      () => (look.endedAt = -Infinity),
    );
    return look.report;
  };
}
