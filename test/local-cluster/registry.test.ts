import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { StatusError } from '../../src/local-cluster/api/status-error.ts';
import { openRegistry } from '../../src/local-cluster/registry.ts';
import type { ApiRegistry } from '../../src/local-cluster/registry-contract.ts';
import { until } from '../support/until.ts';
import { minimalJob, minimalPod, openTestRegistry } from './api-under-test.ts';
import { silentLog } from './silent-log.ts';

let registry: ApiRegistry;
let dataDir: string;
beforeEach(() => {
  ({ registry, dataDir } = openTestRegistry({ historySize: 8 }));
});
afterEach(() => {
  registry.close();
  rmSync(dataDir, { recursive: true });
});

const inDefault = (name: string) => ({ namespace: 'default', name });

const refusal = (act: () => unknown): StatusError => {
  try {
    act();
  } catch (error) {
    if (error instanceof StatusError) return error;
  }
  throw new Error('nothing was refused');
};

describe('names and versions', () => {
  test('a generated name is the base and five characters of Kubernetes’ alphabet', () => {
    const input = { ...minimalJob(''), metadata: { generateName: 'report-' } };
    const job = registry.create('jobs', 'default', input);
    expect(job.metadata.name).toMatch(/^report-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(job.metadata.generateName).toBe('report-');
  });

  test('a name wins over generateName, and both are kept', () => {
    const input = { ...minimalJob(''), metadata: { name: 'report-1', generateName: 'report-' } };
    expect(registry.create('jobs', 'default', input).metadata).toMatchObject({
      name: 'report-1',
      generateName: 'report-',
    });
  });

  test('a name that is taken is refused', () => {
    registry.create('jobs', 'default', minimalJob('a'));
    expect(refusal(() => registry.create('jobs', 'default', minimalJob('a'))).reason).toBe('AlreadyExists');
  });

  test('objects outlive a restart, and no version is given out twice', () => {
    const kept = registry.create('jobs', 'default', minimalJob('kept'));
    const gone = registry.create('jobs', 'default', minimalJob('gone'));
    registry.delete('jobs', inDefault('gone'), { propagationPolicy: 'Background' });
    const last = registry.version();
    registry.close();
    registry = openRegistry({ dataDir, log: silentLog });
    expect(registry.list('jobs')).toEqual([kept]);
    const later = registry.create('jobs', 'default', minimalJob('later'));
    expect(Number(later.metadata.resourceVersion)).toBeGreaterThan(last);
    expect(last).toBeGreaterThan(Number(gone.metadata.resourceVersion));
  });

  test('a restart goes on from the last version, be it of an object that is there or of one that is gone', () => {
    const versionAfterRestart = () => {
      registry.close();
      registry = openRegistry({ dataDir, log: silentLog });
      return registry.version();
    };
    const kept = registry.create('jobs', 'default', minimalJob('kept'));
    expect(versionAfterRestart()).toBe(Number(kept.metadata.resourceVersion));
    registry.create('jobs', 'default', minimalJob('gone'));
    const gone = registry.delete('jobs', inDefault('gone'), { propagationPolicy: 'Background' });
    expect(versionAfterRestart()).toBe(Number(gone.metadata.resourceVersion));
  });

  test('a second cluster on the same data is refused in one sentence', () => {
    expect(() => openRegistry({ dataDir, log: silentLog })).toThrow(
      `another local cluster is running on the data directory ${dataDir}`,
    );
  });
});

describe('updates', () => {
  test('an edit that changes nothing keeps the version and tells nobody', () => {
    const job = registry.create('jobs', 'default', minimalJob('a'));
    const told: string[] = [];
    registry.subscribe('jobs', ({ type }) => told.push(type));
    const same = registry.update('jobs', inDefault('a'), (draft) => {
      draft.status.active = undefined;
      draft.metadata.finalizers = [];
    });
    expect(same).toBe(job);
    expect(told).toEqual([]);
  });

  test('a changed spec raises the generation; status, labels and a pod’s binding do not', () => {
    registry.create('jobs', 'default', minimalJob('a'));
    registry.create('pods', 'default', minimalPod('p'));
    registry.update('jobs', inDefault('a'), (draft) => void (draft.status.active = 1));
    registry.update('jobs', inDefault('a'), (draft) => void (draft.metadata.labels = { x: 'y' }));
    expect(registry.find('jobs', 'default', 'a')?.metadata.generation).toBe(1);
    registry.update('pods', inDefault('p'), (draft) => void (draft.spec.nodeName = 'local'));
    expect(registry.find('pods', 'default', 'p')?.metadata.generation).toBe(1);
    registry.update('jobs', inDefault('a'), (draft) => void (draft.spec.parallelism = 3));
    expect(registry.find('jobs', 'default', 'a')?.metadata.generation).toBe(2);
  });

  test('an update for another uid leaves the object alone', () => {
    registry.create('jobs', 'default', minimalJob('a'));
    const missed = registry.update('jobs', { ...inDefault('a'), uid: 'other' }, (draft) => {
      draft.spec.parallelism = 9;
    });
    expect(missed).toBeUndefined();
    expect(registry.find('jobs', 'default', 'a')?.spec.parallelism).toBe(1);
  });

  test('what is read cannot be edited', () => {
    const job = registry.create('jobs', 'default', minimalJob('a'));
    expect(() => (job.spec.parallelism = 2)).toThrow(TypeError);
  });

  test('every listener hears changes in order, even when one of them makes the next', () => {
    const heard: string[] = [];
    registry.subscribe('jobs', ({ type, object }) => {
      if (type !== 'ADDED') return;
      registry.update('jobs', inDefault(object.metadata.name), (draft) => void (draft.status.active = 1));
    });
    registry.subscribe('jobs', ({ type, object }) => heard.push(`${type} ${object.status.active ?? 0}`));
    registry.create('jobs', 'default', minimalJob('a'));
    expect(heard).toEqual(['ADDED 0', 'MODIFIED 1']);
  });
});

const heardOf = (resource: 'jobs' | 'pods') => {
  const heard: string[] = [];
  registry.subscribe(resource, ({ type, object: { metadata } }) => {
    heard.push(`${type} ${metadata.deletionGracePeriodSeconds ?? '-'} ${(metadata.finalizers ?? []).join()}`);
  });
  return heard;
};

test('a listener that throws keeps the change neither from its maker nor from the other listeners', () => {
  const logged: unknown[] = [];
  const opened = openTestRegistry({ log: { error: (...entry: unknown[]) => void logged.push(entry) } });
  const heard: string[] = [];
  opened.registry.subscribe('jobs', () => {
    throw new Error('not today');
  });
  opened.registry.subscribe('jobs', ({ object }) => void heard.push(object.metadata.name));
  expect(opened.registry.create('jobs', 'default', minimalJob('a')).metadata.name).toBe('a');
  opened.registry.create('jobs', 'default', minimalJob('b'));
  expect(heard).toEqual(['a', 'b']);
  expect(logged).toHaveLength(2);
  opened.close();
});

describe('deletion', () => {
  test('Background takes a Job at once, Foreground and Orphan wait for the garbage collector', () => {
    for (const name of ['a', 'b', 'c']) registry.create('jobs', 'default', minimalJob(name));
    const heard = heardOf('jobs');
    registry.delete('jobs', inDefault('a'), { propagationPolicy: 'Background' });
    registry.delete('jobs', inDefault('b'), { propagationPolicy: 'Foreground' });
    registry.delete('jobs', inDefault('c'), { propagationPolicy: 'Orphan' });
    expect(heard).toEqual(['DELETED - ', 'MODIFIED 0 foregroundDeletion', 'MODIFIED 0 orphan']);
  });

  test('an object goes with its last finalizer, and is told as it stood', () => {
    registry.create('jobs', 'default', minimalJob('a'));
    registry.delete('jobs', inDefault('a'), { propagationPolicy: 'Orphan' });
    const heard = heardOf('jobs');
    registry.update('jobs', inDefault('a'), (draft) => void (draft.metadata.finalizers = []));
    expect(heard).toEqual(['DELETED 0 orphan']);
    expect(registry.find('jobs', 'default', 'a')).toBeUndefined();
  });

  test('a bound pod keeps its grace period, which a second delete may only shorten', () => {
    registry.create('pods', 'default', minimalPod('p'));
    registry.update('pods', inDefault('p'), (draft) => void (draft.spec.nodeName = 'local'));
    const heard = heardOf('pods');
    registry.delete('pods', inDefault('p'));
    registry.delete('pods', inDefault('p'), { gracePeriodSeconds: 60 });
    registry.delete('pods', inDefault('p'), { gracePeriodSeconds: 5 });
    registry.delete('pods', inDefault('p'), { gracePeriodSeconds: 0 });
    expect(heard).toEqual(['MODIFIED 30 ', 'MODIFIED 5 ', 'MODIFIED 0 ', 'DELETED 0 ']);
  });

  test('a pod without a node goes at once, one with a finalizer does not', () => {
    registry.create('pods', 'default', minimalPod('free'));
    registry.create('pods', 'default', {
      ...minimalPod('held'),
      metadata: { name: 'held', finalizers: ['example.com/wait'] },
    });
    registry.delete('pods', inDefault('free'));
    registry.delete('pods', inDefault('held'));
    expect(registry.list('pods').map(({ metadata }) => metadata.name)).toEqual(['held']);
  });

  test('a precondition on another uid is a conflict', () => {
    registry.create('jobs', 'default', minimalJob('a'));
    const options = { preconditions: { uid: 'other' } };
    expect(refusal(() => registry.delete('jobs', inDefault('a'), options)).reason).toBe('Conflict');
  });
});

describe('namespaces', () => {
  test('the four system namespaces are there from the start', () => {
    const names = registry.list('namespaces').map(({ metadata }) => metadata.name);
    expect(names).toEqual(['default', 'kube-node-lease', 'kube-public', 'kube-system']);
  });

  test('a deleted namespace takes nothing new, empties itself and goes', async () => {
    registry.create('namespaces', '', { metadata: { name: 'team' } });
    registry.create('jobs', 'team', minimalJob('a'));
    registry.create('pods', 'team', minimalPod('p'));
    const going = registry.delete('namespaces', { namespace: '', name: 'team' });
    expect(going.status?.phase).toBe('Terminating');
    const refused = refusal(() => registry.create('jobs', 'team', minimalJob('b')));
    expect(refused.status.details?.causes?.[0]?.reason).toBe('NamespaceTerminating');
    await until(() => registry.find('namespaces', '', 'team') === undefined);
    expect(registry.list('jobs', 'team')).toEqual([]);
    expect(refusal(() => registry.create('jobs', 'team', minimalJob('b'))).reason).toBe('NotFound');
  });

  test('a namespace waits for an object that a finalizer holds, also over a restart', async () => {
    registry.create('namespaces', '', { metadata: { name: 'team' } });
    const metadata = { name: 'held', finalizers: ['example.com/wait'] };
    registry.create('jobs', 'team', { ...minimalJob('held'), metadata });
    registry.delete('namespaces', { namespace: '', name: 'team' });
    await until(() => registry.find('jobs', 'team', 'held')?.metadata.deletionTimestamp);
    registry.close();
    registry = openRegistry({ dataDir, log: silentLog });
    expect(registry.find('namespaces', '', 'team')?.status?.phase).toBe('Terminating');
    registry.update('jobs', { namespace: 'team', name: 'held' }, (draft) => {
      draft.metadata.finalizers = [];
    });
    await until(() => registry.find('namespaces', '', 'team') === undefined);
  });

  test('a system namespace may not be deleted', () => {
    expect(refusal(() => registry.delete('namespaces', { namespace: '', name: 'default' })).code).toBe(403);
  });
});

const namesAt = (version: number) =>
  registry.listAt('jobs', version, 'default')?.map(({ metadata }) => metadata.name);

describe('history', () => {
  test('a list can be had as it was', () => {
    registry.create('jobs', 'default', minimalJob('a'));
    registry.create('jobs', 'default', minimalJob('b'));
    const then = registry.version();
    registry.delete('jobs', inDefault('a'), { propagationPolicy: 'Background' });
    registry.create('jobs', 'default', minimalJob('c'));
    expect(namesAt(then)).toEqual(['a', 'b']);
    expect(namesAt(registry.version())).toEqual(['b', 'c']);
  });

  test('what is older than the kept changes cannot be told any more', () => {
    const start = registry.version();
    for (let index = 0; index < 20; index += 1)
      registry.create('jobs', 'default', minimalJob(`job-${index}`));
    expect(namesAt(start)).toBeUndefined();
    expect(registry.changesSince('jobs', start)).toBeUndefined();
    expect(registry.changesSince('jobs', registry.version() - 2)).toHaveLength(2);
  });
});

const seen = (name: string, at: string) => ({
  metadata: { name },
  involvedObject: { kind: 'Job', namespace: 'default', name: 'a' },
  lastTimestamp: at,
});

describe('Events', () => {
  test('go an hour after they were last seen', () => {
    registry.close();
    let now = new Date('2030-01-01T00:00:00Z');
    registry = openRegistry({ dataDir, log: silentLog, now: () => now });
    registry.create('events', 'default', seen('old', '2030-01-01T00:00:00Z'));
    registry.create('events', 'default', seen('young', '2030-01-01T00:40:00Z'));
    now = new Date('2030-01-01T01:10:00Z');
    registry.close();
    registry = openRegistry({ dataDir, log: silentLog, now: () => now });
    expect(registry.list('events').map(({ metadata }) => metadata.name)).toEqual(['young']);
  });
});
