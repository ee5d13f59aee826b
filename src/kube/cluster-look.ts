import { z } from 'zod';
import { isEmbedded } from '../core/cluster-report.ts';
import type { Answered, ClusterLook, Seen } from '../core/cluster-report.ts';
import { forbiddenParts, neededQuestions, neededRules } from '../core/cluster-rights.ts';
import type { Place, Question } from '../core/cluster-rights.ts';
import { reviewSchema, toReviewRequest } from './access-review.ts';
import type { Answer, ApiRequest, Connection } from './connection.ts';

/** Each call has so long, and all of them together. */
const patienceMs = 5000;
const wholeMs = 15_000;
const callsAtOnce = 8;

const versionSchema = z.object({ gitVersion: z.string() }).transform(({ gitVersion }) => gitVersion);
const userSchema = z
  .object({ status: z.object({ userInfo: z.object({ username: z.string() }) }) })
  .transform(({ status }) => status.userInfo.username);
const labelsSchema = z
  .object({ metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }) })
  .transform(({ metadata }) => metadata.labels);
const amounts = z.record(z.string(), z.string()).default({});
const quotaSchema = z
  .object({
    metadata: z.object({ name: z.string() }),
    spec: z.object({
      hard: amounts,
      scopes: z.array(z.string()).default([]),
      scopeSelector: z.unknown().optional(),
    }),
    status: z.object({ used: amounts }).default({ used: {} }),
  })
  .transform(({ metadata, spec, status }) => ({
    name: metadata.name,
    isScoped: spec.scopes.length > 0 || spec.scopeSelector !== undefined,
    hard: spec.hard,
    used: status.used,
  }));
const quotasSchema = z.object({ items: z.array(quotaSchema) }).transform(({ items }) => items);

/**
 * Reads all that tells what we may do there and what is missing. Rejects only when `signal` is aborted: what could not be read says why.
 * Each call has a deadline, and a few are under way at once; where nobody answers the first one, nothing more is asked.
 */
export async function lookAtCluster(
  {
    connection,
    place,
    clock,
    elapsed = () => performance.now(),
  }: {
    connection: Connection;
    place: Place;
    clock: () => Date;
    /** A monotonic clock, in ms. */
    elapsed?: () => number;
  },
  signal: AbortSignal,
): Promise<ClusterLook> {
  const endsAt = elapsed() + wholeMs;
  const withDeadline = (request: ApiRequest): ApiRequest => ({
    ...request,
    timeoutMs: Math.max(1, Math.min(patienceMs, Math.floor(endsAt - elapsed()))),
  });

  async function read<S extends z.ZodType>(request: ApiRequest, schema: S): Promise<Seen<z.output<S>>> {
    return toSeen(await connection.call(withDeadline(request), signal), schema);
  }

  async function ask(question: Question): Promise<Answered> {
    return { question, seen: await read(toReviewRequest(question), reviewSchema) };
  }

  /** Everybody may ask it, so it shows the server's clock as well. */
  async function readVersion(): Promise<Pick<ClusterLook, 'version' | 'clockAhead'>> {
    const askedAt = clock().getTime();
    const answer = await connection.callDated(withDeadline({ method: 'GET', path: '/version' }), signal);
    const answeredAt = clock().getTime();
    if (!answer.ok) return { version: toSeen(answer, versionSchema), clockAhead: null };
    const { body, date } = answer.value;
    return {
      version: toSeen({ ok: true, value: body }, versionSchema),
      clockAhead: toClockAhead(date, { askedAt, answeredAt }),
    };
  }

  const { version, clockAhead } = await readVersion();
  if (!version.ok && version.code === 0) {
    return {
      version,
      clockAhead,
      user: version,
      labels: version,
      quotas: version,
      needed: [],
      forbidden: [],
    };
  }
  const { namespace } = place;
  const needed = neededRules(namespace).flatMap((rule) => neededQuestions(rule, namespace));
  // Where everybody may do everything the answers would say nothing.
  const isOpen = isEmbedded(place, version.ok ? version.value : null);
  const forbidden = isOpen ? [] : forbiddenParts(place).flatMap(({ questions }) => questions);
  const path = `/api/v1/namespaces/${namespace}`;
  const [user, labels, quotas, answers] = await Promise.all([
    read(selfReview, userSchema),
    read({ method: 'GET', path }, labelsSchema),
    read({ method: 'GET', path: `${path}/resourcequotas` }, quotasSchema),
    askAll([...needed, ...forbidden], ask),
  ]);
  return {
    version,
    clockAhead,
    user,
    labels,
    quotas,
    needed: answers.slice(0, needed.length),
    forbidden: answers.slice(needed.length),
  };
}

const selfReview: ApiRequest = {
  method: 'POST',
  path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
  body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
};

function toSeen<S extends z.ZodType>(answer: Answer<unknown>, schema: S): Seen<z.output<S>> {
  if (!answer.ok) {
    return { ok: false, code: answer.failure.code, message: answer.failure.message.replace(/\.$/, '') };
  }
  const parsed = schema.safeParse(answer.value);
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, code: 200, message: 'the answer is not what Kubernetes says there' };
}

/** The header cuts its time to the second, and was written at some moment between the question and the answer. */
function toClockAhead(
  date: string | null,
  { askedAt, answeredAt }: { askedAt: number; answeredAt: number },
): ClusterLook['clockAhead'] {
  const serverAt = Date.parse(date ?? '');
  if (Number.isNaN(serverAt)) return null;
  return { leastMs: serverAt - answeredAt, mostMs: serverAt + 1000 - askedAt };
}

/** In the order of the questions, and never more than a few at once. */
async function askAll<Q, A>(questions: readonly Q[], ask: (question: Q) => Promise<A>): Promise<A[]> {
  const answers: A[] = [];
  const rest = questions.entries();
  async function work(): Promise<void> {
    for (const [at, question] of rest) answers[at] = await ask(question);
  }
  await Promise.all(Array.from({ length: callsAtOnce }, work));
  return answers;
}
