import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { loadAll } from 'js-yaml';
import { z } from 'zod';
import { toManifests } from '../../src/core/cluster-mend.ts';
import { finding } from '../../src/core/cluster-report.ts';
import { forbiddenParts, neededQuestions, neededRules } from '../../src/core/cluster-rights.ts';
import type { Place } from '../../src/core/cluster-rights.ts';

const ours = readFileSync('k8s/base/rights.yaml', 'utf8');
const inCluster: Place = { kind: 'in-cluster', namespace: 'jobspawn-jobs', ownNamespace: 'jobspawn' };
const account = 'system:serviceaccount:jobspawn:jobspawn';
const missing = (place: Place) =>
  neededRules(place.namespace).map((rule) =>
    finding('rights', 'a right', 'wrong', 'It is missing.', { kind: 'rule', rule }),
  );
const keys = (questions: unknown[]) => questions.map((question) => JSON.stringify(question));
const namesSchema = z.object({ metadata: z.object({ name: z.string(), namespace: z.string() }) });
const bindingSchema = namesSchema.extend({ subjects: z.array(z.record(z.string(), z.string())) });

test('the rights that are asked for are those of the Role, rule by rule', () => {
  const { rules } = z.object({ rules: z.array(z.unknown()) }).parse(loadAll(ours)[0]);
  const table = neededRules('jobspawn-jobs').map(
    ({ purpose: _purpose, otherwise: _otherwise, ...rule }) => rule,
  );
  expect(table).toEqual(rules);
});

test('what is printed for a missing rule is the Role and its binding as they are installed', () => {
  const [one] = missing(inCluster);
  expect(loadAll(toManifests(one === undefined ? [] : [one], inCluster, account))).toEqual(loadAll(ours));
  expect(toManifests(missing(inCluster), inCluster, null)).toContain('# Missing: Dispatch');
});

test('it says which of its rules was missing', () => {
  const events = missing(inCluster).filter(
    ({ mend }) => mend?.kind === 'rule' && mend.rule.resources.includes('events'),
  );
  const yaml = toManifests(events, inCluster, account);
  expect(yaml.match(/# Missing: .*/g)).toEqual([
    '# Missing: Why a pod was refused or finds no place: only events say that.',
  ]);
});

test('nothing missing is nothing to print', () => {
  expect(toManifests([finding('clock', 'Clock', 'warning', 'It is late.')], inCluster, account)).toBe('');
});

test('a person gets a binding that leaves alone the one of the service, whatever the name', () => {
  const place: Place = { kind: 'kubeconfig', namespace: 'null', ownNamespace: null };
  const user = 'ada: "x"\n- kind: Group # é\u0085\u202e@example.com';
  const [role, binding] = loadAll(toManifests(missing(place), place, user));
  expect(toManifests(missing(place), place, user)).not.toMatch(/[\u0080-\u009f\u202e]/);
  expect(namesSchema.parse(role).metadata).toEqual({ name: 'jobspawn', namespace: 'null' });
  expect(bindingSchema.parse(binding)).toMatchObject({
    metadata: { name: 'jobspawn-by-kubeconfig', namespace: 'null' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: user }],
  });
});

test('no right is needed and forbidden at once', () => {
  const needed = neededRules('jobspawn-jobs').flatMap((rule) => keys(neededQuestions(rule, 'jobspawn-jobs')));
  const forbidden = forbiddenParts(inCluster).flatMap(({ questions }) => keys(questions));
  expect(needed).toHaveLength(12);
  expect(forbidden.filter((key) => needed.includes(key))).toEqual([]);
});

test('what must not be there is asked where the jobs are, where the service is, elsewhere and everywhere', () => {
  expect(forbiddenParts(inCluster).map(({ where }) => where)).toEqual([
    'in jobspawn-jobs',
    'in jobspawn',
    'in kube-system',
    'in the whole cluster',
  ]);
  const shared: Place = { ...inCluster, ownNamespace: 'jobspawn-jobs' };
  expect(forbiddenParts(shared).map(({ where }) => where)).toEqual([
    'in jobspawn-jobs',
    'in kube-system',
    'in the whole cluster',
  ]);
});
