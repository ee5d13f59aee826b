import type { Place, Question, Rule } from './cluster-rights.ts';

/** What was read of the cluster, and what it means. */

/** Something that was asked: the answer, or why there is none. `code` is the HTTP status, 0 without any answer. */
export type Seen<T> = { ok: true; value: T } | { ok: false; code: number; message: string };

export type Answered = { question: Question; seen: Seen<{ allowed: boolean; reason: string }> };

/** A ResourceQuota; `isScoped` where it counts only some pods, and so perhaps none of ours. */
export type Quota = {
  name: string;
  isScoped: boolean;
  hard: Record<string, string>;
  used: Record<string, string>;
};

/** One look at the cluster. Nothing but the version is asked where that finds nobody. */
export type ClusterLook = {
  version: Seen<string>;
  /** How far the server's clock is ahead of ours, at least and at most: its `Date` has whole seconds. */
  clockAhead: { leastMs: number; mostMs: number } | null;
  user: Seen<string>;
  needed: readonly Answered[];
  forbidden: readonly Answered[];
  labels: Seen<Record<string, string>>;
  quotas: Seen<readonly Quota[]>;
};

/** What the store knows of how reports came in. */
export type ReportEvidence = {
  /** The newest that came over HTTP. */
  heardAt: string | null;
  /** Workers since then whose last word stood in their termination message alone, as their reports were lost. */
  lost: number;
  /** The newest of these. */
  lostJobId: string | null;
};

export const areas = ['connection', 'rights', 'excess', 'namespace', 'quota', 'reports', 'clock'] as const;
export type Area = (typeof areas)[number];

/** `wrong`: something does not work, or is not safe. `unknown`: it could not be asked. */
export const verdicts = ['ok', 'warning', 'wrong', 'unknown'] as const;
export type Verdict = (typeof verdicts)[number];

/** What mends it: a rule to be granted, a manifest to be applied, or a command. */
export type Mend =
  { kind: 'rule'; rule: Rule } | { kind: 'manifest'; yaml: string } | { kind: 'command'; command: string };

export type Finding = {
  area: Area;
  /** What was asked, in a few words. */
  asked: string;
  verdict: Verdict;
  /** One clear sentence, or two. */
  sentence: string;
  mend: Mend | null;
};

export type QuotaRow = { quota: string; resource: string; hard: string; used: string; left: string };

export type ClusterReport = {
  /** When the cluster was looked at. */
  at: string;
  place: Place;
  /** As the cluster says them; null where it did not. */
  version: string | null;
  user: string | null;
  findings: readonly Finding[];
  quotas: readonly QuotaRow[];
  /** The missing pieces as YAML to apply; empty where none is missing. */
  manifests: string;
};

/** The embedded cluster, whoever started it: pods are processes there, and whoever knows its URL may do everything. */
export function isEmbedded({ kind }: Place, version: string | null): boolean {
  return kind === 'local' || (version?.endsWith('+jobspawn-local') ?? false);
}

export function finding(
  area: Area,
  asked: string,
  verdict: Verdict,
  sentence: string,
  mend: Mend | null = null,
): Finding {
  return { area, asked, verdict, sentence, mend };
}
