import { describe, expect, test } from '@jest/globals';
import {
  judgeClock,
  judgeConnection,
  judgeExcess,
  judgeNamespace,
  judgeNeeded,
} from '../../src/core/cluster-findings.ts';
import type { ClusterLook, Seen } from '../../src/core/cluster-report.ts';
import { forbiddenParts, neededQuestions, neededRules, toWords } from '../../src/core/cluster-rights.ts';
import type { Place, Question } from '../../src/core/cluster-rights.ts';

const inCluster: Place = { kind: 'in-cluster', namespace: 'jobs', ownNamespace: 'jobspawn' };
const kubeconfig: Place = { kind: 'kubeconfig', namespace: 'jobs', ownNamespace: null };
const failed = { ok: false, code: 403, message: 'not for you' } as const;

type Answer = (question: Question, words: string) => Seen<{ allowed: boolean; reason: string }>;
const yes: Answer = () => ({ ok: true, value: { allowed: true, reason: 'a binding' } });
const no: Answer = () => ({ ok: true, value: { allowed: false, reason: '' } });
/** The rights of these words, in these namespaces, and no others. */
const only =
  (...allowed: string[]): Answer =>
  (question, words) =>
    allowed.includes(`${words} @${question.namespace ?? '*'}`) ? yes(question, words) : no(question, words);

/** As another answer, but for the rights of these words. */
const but =
  (usual: Answer, other: Answer, ...rights: string[]): Answer =>
  (question, words) =>
    (rights.includes(words) ? other : usual)(question, words);

function look(
  {
    needed = yes,
    forbidden = no,
    place = inCluster,
  }: { needed?: Answer; forbidden?: Answer; place?: Place } = {},
  changes: Partial<ClusterLook> = {},
): ClusterLook {
  const answer = (answerOne: Answer) => (question: Question) => ({
    question,
    seen: answerOne(question, toWords(question.right)),
  });
  return {
    version: { ok: true, value: 'v1.36.2' },
    clockAhead: { leastMs: -200, mostMs: 900 },
    user: { ok: true, value: 'me' },
    needed: neededRules('jobs')
      .flatMap((rule) => neededQuestions(rule, 'jobs'))
      .map(answer(needed)),
    forbidden: forbiddenParts(place)
      .flatMap(({ questions }) => questions)
      .map(answer(forbidden)),
    labels: { ok: true, value: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    quotas: { ok: true, value: [] },
    ...changes,
  };
}

describe('rights that are needed', () => {
  test('are all there', () => {
    const findings = judgeNeeded(look(), inCluster);
    expect(findings.map(({ verdict }) => verdict)).toEqual(Array(6).fill('ok'));
  });

  test('name the verbs that are missing, what does not work without them, and the rule', () => {
    const needed = but(yes, no, 'watch pods', 'list pods');
    const wrong = judgeNeeded(look({ needed }), inCluster).filter(({ verdict }) => verdict !== 'ok');
    expect(wrong).toEqual([
      {
        area: 'rights',
        asked: 'get, list, watch pods',
        verdict: 'wrong',
        sentence:
          'It may not list, watch pods: nothing is known of the pods of a job, and the service does not become ready.',
        mend: { kind: 'rule', rule: neededRules('jobs')[1] },
      },
    ]);
  });

  test('that could not be asked are not known, unless another verb is denied', () => {
    const needed = but(yes, () => failed, 'get pods');
    expect(judgeNeeded(look({ needed }), inCluster)[1]).toMatchObject({
      verdict: 'unknown',
      sentence: 'It could not be asked: not for you.',
    });
    const both = but(no, () => failed, 'get pods');
    expect(judgeNeeded(look({ needed: both }), inCluster)[1]).toMatchObject({ verdict: 'wrong' });
  });

  test('on quotas are not needed where there are none to be had', () => {
    const quotas = { ok: false, code: 404, message: 'not found' } as const;
    expect(judgeNeeded(look({ needed: no }, { quotas }), inCluster)[5]).toMatchObject({ verdict: 'ok' });
    expect(judgeNeeded(look({ needed: no }), inCluster)[5]).toMatchObject({ verdict: 'wrong' });
  });
});

describe('rights that must not be there', () => {
  test('are not there', () => {
    expect(judgeExcess(look(), inCluster).map(({ asked, verdict }) => `${asked}: ${verdict}`)).toEqual([
      'anything else in jobs: ok',
      'anything else in jobspawn: ok',
      'anything else in kube-system: ok',
      'anything else in the whole cluster: ok',
    ]);
  });

  test('are a fault of the account of the service, with what gave them', () => {
    const forbidden = only('get secrets @jobs', 'create pods/exec @jobs', 'create pods @*');
    expect(
      judgeExcess(look({ forbidden }), inCluster).filter(({ verdict }) => verdict !== 'ok'),
    ).toMatchObject([
      {
        verdict: 'wrong',
        sentence:
          'It may get secrets, create pods/exec in jobs, and must not. The cluster says why: a binding. Take that away.',
      },
      { verdict: 'wrong', sentence: expect.stringContaining('create pods in the whole cluster') },
    ]);
  });

  test('are usual for a person, and told in one sentence', () => {
    const forbidden = yes;
    const findings = judgeExcess(look({ forbidden, place: kubeconfig }), kubeconfig);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({
      verdict: 'warning',
      sentence: expect.stringContaining('usual for a person'),
    });
  });

  test('that could not be asked are not known', () => {
    const verdicts = judgeExcess(look({ forbidden: () => failed }), inCluster).map(({ verdict }) => verdict);
    expect(new Set(verdicts)).toEqual(new Set(['unknown']));
  });

  test.each<[string, Place, string]>([
    ['as itself', { kind: 'local', namespace: 'jobs', ownNamespace: null }, 'v1.36.2+jobspawn-local'],
    ['by its kubeconfig', kubeconfig, 'v1.36.2+jobspawn-local'],
  ])('do not count in the local cluster, reached %s', (_how, place, value) => {
    const version = { ok: true, value } as const;
    expect(judgeExcess(look({ forbidden: yes }, { version }), place)).toMatchObject([{ verdict: 'ok' }]);
  });
});

describe('the namespace of the jobs', () => {
  test('is held by Pod Security', () => {
    expect(judgeNamespace(look(), inCluster)).toMatchObject([{ verdict: 'ok' }]);
  });

  test.each([[{}], [{ 'pod-security.kubernetes.io/enforce': 'baseline' }]])(
    'with the labels %j gets a warning and the command that mends it',
    (value) => {
      expect(judgeNamespace(look({}, { labels: { ok: true, value } }), kubeconfig)).toMatchObject([
        {
          verdict: 'warning',
          mend: {
            command: 'kubectl label --overwrite namespace jobs pod-security.kubernetes.io/enforce=restricted',
          },
        },
      ]);
    },
  );

  test('that is missing is wrong, and comes as YAML', () => {
    const labels = { ok: false, code: 404, message: 'not found' } as const;
    expect(judgeNamespace(look({}, { labels }), inCluster)).toMatchObject([
      { verdict: 'wrong', mend: { kind: 'manifest' } },
    ]);
  });

  test('that may not be read is not known', () => {
    expect(judgeNamespace(look({}, { labels: failed }), inCluster)).toMatchObject([{ verdict: 'unknown' }]);
  });

  test('is better not that of the service', () => {
    const shared: Place = { ...inCluster, ownNamespace: 'jobs' };
    expect(judgeNamespace(look(), shared)).toMatchObject([{ verdict: 'ok' }, { verdict: 'warning' }]);
  });
});

test.each<[string, ClusterLook['clockAhead'], string, string]>([
  ['no time', null, 'unknown', 'did not tell'],
  ['the same second', { leastMs: -300, mostMs: 900 }, 'ok', 'agree'],
  ['a slow answer that proves nothing', { leastMs: -9000, mostMs: 900 }, 'ok', 'agree'],
  ['a time 60 s ahead', { leastMs: 59_500, mostMs: 60_600 }, 'warning', 'about 60 s behind'],
  ['a time 60 s back', { leastMs: -60_500, mostMs: -59_400 }, 'warning', 'about 60 s ahead of'],
])('a server that tells %s', (_name, clockAhead, verdict, words) => {
  expect(judgeClock(look({}, { clockAhead }))).toMatchObject({
    verdict,
    sentence: expect.stringContaining(words),
  });
});

test('a server that does not answer is told from one that keeps its version to itself', () => {
  const silent = look({}, { version: { ok: false, code: 0, message: 'connect ECONNREFUSED' } });
  expect(judgeConnection(silent, inCluster)).toMatchObject({
    verdict: 'unknown',
    sentence: 'It does not answer: connect ECONNREFUSED.',
  });
  expect(judgeConnection(silent, { ...inCluster, kind: 'local' }).sentence).toContain('npm start');
  expect(judgeConnection(look({}, { version: failed }), inCluster).sentence).toContain('not for you');
});
