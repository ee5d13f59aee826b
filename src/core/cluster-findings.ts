import { toNamespaceYaml } from './cluster-mend.ts';
import { finding, isEmbedded } from './cluster-report.ts';
import type { Answered, ClusterLook, Finding } from './cluster-report.ts';
import { forbiddenParts, neededQuestions, neededRules, toWords } from './cluster-rights.ts';
import type { Place, Question, Rule } from './cluster-rights.ts';

/** What a look at the cluster means: a finding for each thing that was asked. Pure. */

const enforce = 'pod-security.kubernetes.io/enforce';
/** Clocks that differ by less do no harm that anybody would notice. */
const tolerableMs = 5000;

export function judgeConnection({ version }: ClusterLook, { kind }: Place): Finding {
  const asked = 'API server';
  if (version.ok) return finding('connection', asked, 'ok', `It answers, as Kubernetes ${version.value}.`);
  // A server that keeps its version to itself, and may answer all else.
  if (version.code !== 0) {
    return finding('connection', asked, 'unknown', `It does not tell its version: ${version.message}.`);
  }
  const hint = kind === 'local' ? ' The local cluster runs with the service: npm start.' : '';
  return finding('connection', asked, 'unknown', `It does not answer: ${version.message}.${hint}`);
}

/** One finding for each rule that is needed. */
export function judgeNeeded(look: ClusterLook, { namespace }: Place): Finding[] {
  const find = toFinder(look.needed);
  return neededRules(namespace).map((rule) =>
    judgeRule(rule, neededQuestions(rule, namespace).map(find), look),
  );
}

function judgeRule(rule: Rule, answers: readonly Answered['seen'][], { quotas }: ClusterLook): Finding {
  const what = [rule.resources.join(), ...rule.apiGroups.filter((group) => group !== '')].join('.');
  const asked = [rule.verbs.join(', '), what, ...(rule.resourceNames ?? [])].join(' ');
  if (rule.resources.includes('resourcequotas') && !quotas.ok && quotas.code === 404) {
    return finding('rights', asked, 'ok', 'This cluster knows no quotas, so none is needed.');
  }
  const denied = rule.verbs.filter((_verb, at) => isDenied(answers[at]));
  if (denied.length > 0) {
    const sentence = `It may not ${denied.join(', ')} ${what}: ${rule.otherwise}.`;
    return finding('rights', asked, 'wrong', sentence, { kind: 'rule', rule });
  }
  const failure = answers.find((seen) => !seen.ok);
  return failure === undefined || failure.ok
    ? finding('rights', asked, 'ok', rule.purpose)
    : finding('rights', asked, 'unknown', `It could not be asked: ${failure.message}.`);
}

function isDenied(seen: Answered['seen'] | undefined): boolean {
  return seen !== undefined && seen.ok && !seen.value.allowed;
}

/** What must not be allowed. A person's own rights are usual outside of a cluster; those of the service's account are not. */
export function judgeExcess(look: ClusterLook, place: Place): Finding[] {
  if (isEmbedded(place, look.version.ok ? look.version.value : null)) {
    const sentence =
      'The local cluster allows everything to whoever knows its URL, which is as secret as a password. Rights begin to count in a real cluster.';
    return [finding('excess', 'anything else', 'ok', sentence)];
  }
  const find = toFinder(look.forbidden);
  const parts = forbiddenParts(place).map(({ where, questions }) => {
    const answers = questions.map((question) => ({ question, seen: find(question) }));
    return { where, answers, allowed: answers.filter(({ seen }) => seen.ok && seen.value.allowed) };
  });
  const total = parts.flatMap(({ allowed }) => allowed).length;
  if (place.kind === 'kubeconfig' && total > 0) {
    const examples = parts.flatMap(({ where, allowed }) => allowed.slice(0, 1).map(toExample(where)));
    const sentence = `The kubeconfig's user may do more than Jobspawn needs (${examples.join('; ')}). That is usual for a person; give a service that stays an account of its own, as in k8s/.`;
    return [finding('excess', 'anything else', 'warning', sentence)];
  }
  return parts.map(({ where, answers, allowed }) => judgePart(where, answers, allowed));
}

function judgePart(where: string, answers: readonly Answered[], allowed: readonly Answered[]): Finding {
  const asked = `anything else ${where}`;
  if (allowed.length > 0) {
    const reason = allowed.map(({ seen }) => (seen.ok ? seen.value.reason : '')).find((text) => text !== '');
    const words = allowed.map(({ question }) => toWords(question.right)).join(', ');
    const why = reason === undefined ? '' : ` The cluster says why: ${reason}.`;
    return finding('excess', asked, 'wrong', `It may ${words} ${where}, and must not.${why} Take that away.`);
  }
  const failure = answers.map(({ seen }) => seen).find((seen) => !seen.ok);
  return failure === undefined || failure.ok
    ? finding('excess', asked, 'ok', `None of ${answers.length} rights that it must not have is there.`)
    : finding('excess', asked, 'unknown', `It could not be asked: ${failure.message}.`);
}

function toExample(where: string) {
  return ({ question }: Answered): string => `${toWords(question.right)} ${where}`;
}

/** Whether there is a namespace for jobs, and Pod Security holds it. */
export function judgeNamespace(look: ClusterLook, place: Place): Finding[] {
  const { labels } = look;
  const { namespace } = place;
  const asked = `Namespace ${namespace}`;
  if (!labels.ok) {
    if (labels.code !== 404) {
      return [finding('namespace', asked, 'unknown', `It could not be read: ${labels.message}.`)];
    }
    const mend = { kind: 'manifest', yaml: toNamespaceYaml(namespace) } as const;
    return [
      finding('namespace', asked, 'wrong', 'There is no such namespace, so no job can be created.', mend),
    ];
  }
  if (isEmbedded(place, look.version.ok ? look.version.value : null)) {
    const sentence =
      "It is there. The local cluster has no Pod Security: pods are processes of this machine's user.";
    return [finding('namespace', asked, 'ok', sentence)];
  }
  return [judgePodSecurity(labels.value[enforce], namespace), ...judgeSharing(place)];
}

function judgePodSecurity(level: string | undefined, namespace: string): Finding {
  const asked = `Namespace ${namespace}`;
  if (level === 'restricted') {
    return finding(
      'namespace',
      asked,
      'ok',
      'Pod Security "restricted" is enforced, which our jobs keep to.',
    );
  }
  const sentence = `Pod Security "restricted" is not enforced (${enforce} is ${level ?? 'not set'}): a pod that breaks out of its bounds would not be refused.`;
  const command = `kubectl label --overwrite namespace ${namespace} ${enforce}=restricted`;
  return finding('namespace', asked, 'warning', sentence, { kind: 'command', command });
}

function judgeSharing({ namespace, ownNamespace }: Place): Finding[] {
  if (namespace !== ownNamespace) return [];
  const sentence =
    "Service and jobs share it, so a job can use the service's own Secrets and volumes. Give jobs a namespace of their own (JOB_NAMESPACE).";
  return [finding('namespace', `Namespace ${namespace} for jobs alone`, 'warning', sentence)];
}

/** Tokens of jobs do not depend on the time; much else does. */
export function judgeClock({ clockAhead }: ClusterLook): Finding {
  const asked = 'Clock';
  if (clockAhead === null) return finding('clock', asked, 'unknown', 'The server did not tell its time.');
  const { leastMs, mostMs } = clockAhead;
  // Only what is certain counts: the server tells whole seconds, and its answer took its way.
  const certainMs = leastMs > 0 ? leastMs : Math.max(0, -mostMs);
  if (certainMs <= tolerableMs) {
    return finding('clock', asked, 'ok', 'Ours and that of the cluster agree to within a few seconds.');
  }
  const seconds = Math.round(Math.abs(leastMs + mostMs) / 2000);
  const direction = leastMs > 0 ? 'behind' : 'ahead of';
  const sentence = `Ours is about ${seconds} s ${direction} that of the cluster: times and durations shown are off by that, ID tokens (OIDC) may be refused, and a Job's TTL ends when we do not expect it. Tokens of jobs do not depend on it.`;
  return finding('clock', asked, 'warning', sentence);
}

/** The fields stand in the same order wherever a question was made. */
function keyOf(question: Question): string {
  return JSON.stringify(question);
}

function toFinder(answers: readonly Answered[]) {
  const known = new Map(answers.map(({ question, seen }) => [keyOf(question), seen]));
  return (question: Question): Answered['seen'] =>
    known.get(keyOf(question)) ?? { ok: false, code: 0, message: 'the question was not put' };
}
