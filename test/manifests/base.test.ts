import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { load, loadAll } from 'js-yaml';
import { z } from 'zod';
import { parseConfig } from '../../src/app/config.ts';
import { checkout } from './image.ts';
import { restrictedPodSchema } from './restricted-pod.ts';

const folder = join(checkout, 'k8s', 'base');

const objectSchema = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
  }),
});

const kustomization = z
  .looseObject({
    resources: z.array(z.string()),
    configMapGenerator: z
      .array(z.object({ name: z.string(), namespace: z.string(), literals: z.array(z.string()) }))
      .length(1),
  })
  .parse(load(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')));

const objects = kustomization.resources.flatMap((name) =>
  parseObjects(readFileSync(join(folder, name), 'utf8')),
);

const deploymentSchema = z.looseObject({
  spec: z.looseObject({
    replicas: z.number(),
    strategy: z.object({ type: z.string() }),
    template: z.looseObject({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.looseObject({
        volumes: z.array(
          z.looseObject({
            name: z.string(),
            persistentVolumeClaim: z.object({ claimName: z.string() }).optional(),
          }),
        ),
        containers: z
          .array(
            z.looseObject({
              ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
              volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
              envFrom: z.array(z.object({ configMapRef: z.object({ name: z.string() }) })),
            }),
          )
          .length(1),
      }),
    }),
  }),
});

function parseObjects(yaml: string): z.output<typeof objectSchema>[] {
  return z.array(objectSchema).parse(loadAll(yaml));
}

function ofKind<S extends z.ZodType>(kind: string, schema: S): z.output<S>[] {
  return objects.filter((object) => object.kind === kind).map((object) => schema.parse(object));
}

function only<T>(list: readonly T[]): T {
  const [first] = list;
  if (first === undefined || list.length > 1) throw new Error(`there are ${list.length}, not one`);
  return first;
}

const deployment = only(ofKind('Deployment', deploymentSchema));
const podSpec = deployment.spec.template.spec;
const settings = new Map(
  only(kustomization.configMapGenerator).literals.map((line): [string, string] => {
    const [name = '', value = ''] = line.split(/=(.*)/s);
    return [name, value];
  }),
);

describe('the rights', () => {
  test('are these and no others, in the namespace of the jobs alone', () => {
    const rule = z.strictObject({
      apiGroups: z.array(z.string()),
      resources: z.array(z.string()),
      resourceNames: z.array(z.string()).optional(),
      verbs: z.array(z.string()),
    });
    const role = only(ofKind('Role', objectSchema.extend({ rules: z.array(rule) })));
    expect(role.metadata.namespace).toBe('jobspawn-jobs');
    expect(
      role.rules.map(({ apiGroups, resources, resourceNames = [], verbs }) =>
        [apiGroups.join(), resources.join(), ...resourceNames, verbs.join(' ')].join(' | '),
      ),
    ).toEqual([
      'batch | jobs | create get list watch delete',
      ' | pods | get list watch',
      ' | pods/log | get',
      ' | events | get list watch',
      ' | namespaces | jobspawn-jobs | get',
      ' | resourcequotas | get list',
    ]);
  });

  test('go to the account of the service, and the account of the jobs is bound to nothing', () => {
    const subject = z.object({ kind: z.string(), name: z.string(), namespace: z.string() });
    const binding = only(ofKind('RoleBinding', objectSchema.extend({ subjects: z.array(subject) })));
    expect(binding.metadata.namespace).toBe('jobspawn-jobs');
    expect(binding.subjects).toEqual([{ kind: 'ServiceAccount', name: 'jobspawn', namespace: 'jobspawn' }]);

    const account = objectSchema.extend({ automountServiceAccountToken: z.literal(false) });
    expect(
      ofKind('ServiceAccount', account).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
    ).toEqual(['jobspawn/jobspawn', 'jobspawn-jobs/jobspawn-worker']);
  });

  test('are nowhere given for the whole cluster', () => {
    expect(objects.map(({ kind }) => kind).filter((kind) => kind.startsWith('Cluster'))).toEqual([]);
    for (const name of readdirSync(folder))
      expect(readFileSync(join(folder, name), 'utf8')).not.toMatch(/['"]\*['"]/);
  });
});

describe('the pods', () => {
  test('are held to "restricted" in both namespaces', () => {
    const namespaces = objects.filter(({ kind }) => kind === 'Namespace');
    expect(
      namespaces.map(({ metadata }) => [
        metadata.name,
        metadata.labels?.['pod-security.kubernetes.io/enforce'],
      ]),
    ).toEqual([
      ['jobspawn', 'restricted'],
      ['jobspawn-jobs', 'restricted'],
    ]);
  });

  test('of the service obey it', () => {
    expect(restrictedPodSchema.safeParse(podSpec).error?.issues).toBeUndefined();
  });

  test.each([
    ['the network of the node', { hostNetwork: true }],
    ['a path of the node', { volumes: [{ name: 'a', hostPath: { path: '/' } }] }],
    ['an emptyDir without a limit', { volumes: [{ name: 'a', emptyDir: {} }] }],
    [
      'the user root',
      { securityContext: { ...z.looseObject({}).parse(podSpec['securityContext']), runAsUser: 0 } },
    ],
    ['no seccomp profile', { securityContext: { runAsNonRoot: true, runAsUser: 65532 } }],
    ['a capability', { containers: [withSecurity({ capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] } })] }],
    ['privilege', { containers: [withSecurity({ privileged: true })] }],
    ['a root file system to write to', { containers: [withSecurity({ readOnlyRootFilesystem: false })] }],
    ['no container', { containers: [] }],
  ])('with %s would not', (_, change) => {
    expect(restrictedPodSchema.safeParse({ ...podSpec, ...change }).success).toBe(false);
  });

  function withSecurity(change: Record<string, unknown>): unknown {
    const container = z.looseObject({ securityContext: z.looseObject({}) }).parse(podSpec.containers[0]);
    return { ...container, securityContext: { ...container.securityContext, ...change } };
  }
});

describe('the deployment', () => {
  test('never runs two at once', () => {
    expect(deployment.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
  });

  test('has a configuration that the service accepts, and a port and a callback that meet', () => {
    const config = parseConfig(Object.fromEntries(settings));
    expect(config).toMatchObject({
      cluster: { kind: 'in-cluster' },
      namespace: 'jobspawn-jobs',
      host: '0.0.0.0',
    });
    expect(config.workerImage).toBe(settings.get('WORKER_IMAGE'));

    const port = z.object({ name: z.string(), port: z.number(), targetPort: z.string() });
    const service = only(
      ofKind(
        'Service',
        objectSchema.extend({
          spec: z.object({ selector: z.record(z.string(), z.string()), ports: z.array(port) }),
        }),
      ),
    );
    expect(deployment.spec.template.metadata.labels).toMatchObject(service.spec.selector);
    const container = only(podSpec.containers);
    expect(container.ports).toEqual([
      { name: only(service.spec.ports).targetPort, containerPort: config.port },
    ]);
    expect(container.envFrom).toEqual([
      { configMapRef: { name: only(kustomization.configMapGenerator).name } },
    ]);
    const { name, namespace } = service.metadata;
    expect(config.callbackUrl).toBe(`http://${name}.${namespace}.svc`);
    expect(only(service.spec.ports).port).toBe(80);
  });

  test('keeps the database on the claimed volume', () => {
    const claim = only(ofKind('PersistentVolumeClaim', objectSchema));
    const volume = podSpec.volumes.find(
      ({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === claim.metadata.name,
    );
    const mount = only(podSpec.containers).volumeMounts.find(({ name }) => name === volume?.name);
    expect(settings.get('DATABASE_PATH')).toMatch(new RegExp(`^${mount?.mountPath}/`));
  });
});

const kubectl = 'kubectl';
const hasKubectl = spawnSync(kubectl, ['version', '--client']).status === 0;
if (!hasKubectl) console.warn('kubectl is not on the PATH: what it renders is not compared with the files.');

(hasKubectl ? test : test.skip)(
  'kubectl renders the base: these objects, the configuration, and tagged images',
  () => {
    const rendered = parseObjects(execFileSync(kubectl, ['kustomize', folder], { encoding: 'utf8' }));
    const names = (list: typeof rendered) =>
      list.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`).toSorted();
    const [configuration, rest] = [
      rendered.filter(({ kind }) => kind === 'ConfigMap'),
      rendered.filter(({ kind }) => kind !== 'ConfigMap'),
    ];
    expect(names(rest)).toEqual(names(objects));
    expect(only(configuration)).toMatchObject({ data: Object.fromEntries(settings) });
    const { containers } = deploymentSchema.parse(rendered.find(({ kind }) => kind === 'Deployment')).spec
      .template.spec;
    expect(only(containers)).toMatchObject({
      image: expect.stringMatching(/^jobspawn:\d+\.\d+\.\d+$/),
      envFrom: [{ configMapRef: { name: only(configuration).metadata.name } }],
    });
  },
);
