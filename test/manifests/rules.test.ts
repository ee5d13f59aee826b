import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseConfig } from '../../src/app/config.ts';
import { managedBy, managedByLabel } from '../../src/core/labels.ts';
import { findQuantity } from '../../src/local-cluster/api/quantity.ts';
import { startHttpSide } from '../http/http-side.ts';
import { checkout } from './image.ts';
import { asksNames, mayLeave, mayReach, unheldDirections } from './network.ts';
import type { Pod } from './network.ts';
import { folders, hasKubectl, isForExistingNamespaces, ofKind, only, render } from './rendered.ts';
import { restrictedPodSchema } from './restricted-pod.ts';
import {
  claimSchema,
  configMapSchema,
  deploymentSchema,
  ingressSchema,
  limitRangeSchema,
  namedSchema,
  networkPolicySchema,
  quotaSchema,
  roleBindingSchema,
  roleSchema,
  serviceSchema,
} from './shapes.ts';

const taggedImage = /^[a-z0-9./_-]+(:\d+\/[a-z0-9./_-]+)?:(?!latest$)[\w.-]+(@sha256:[0-9a-f]{64})?$/;

/** Made by the cluster itself, or by the reader as the file beside says. */
const madeElsewhere = ['kube-root-ca.crt', 'jobspawn-bootstrap'];

/** A pod that is none of ours. */
const another = (namespace: string): Pod => ({ namespace, labels: { app: 'another' } });

(hasKubectl ? describe : describe.skip).each(folders)('%s', (folder) => {
  const objects = hasKubectl ? render(folder) : [];
  const namesOf = (kind: string) => ofKind(objects, kind, namedSchema).map(({ metadata }) => metadata.name);
  const configMaps = ofKind(objects, 'ConfigMap', configMapSchema);
  const settings = Object.fromEntries(configMaps.flatMap(({ data }) => Object.entries(data)));
  const services = ofKind(objects, 'Service', serviceSchema);
  const policies = ofKind(objects, 'NetworkPolicy', networkPolicySchema);
  const ours = () => {
    const { metadata, spec } = only(ofKind(objects, 'Deployment', deploymentSchema));
    const pod: Pod = { namespace: metadata.namespace ?? '', labels: spec.template.metadata.labels };
    return {
      metadata,
      spec,
      podSpec: spec.template.spec,
      container: only(spec.template.spec.containers),
      pod,
    };
  };
  const jobNamespace = settings['JOB_NAMESPACE'] ?? '';
  const jobPod: Pod = { namespace: jobNamespace, labels: { [managedByLabel]: managedBy } };

  test('gives these rights and no others, in the namespace of the jobs, to the account of the service alone', () => {
    const role = only(ofKind(objects, 'Role', roleSchema));
    expect(role.metadata.namespace).toBe(jobNamespace);
    expect(
      role.rules.map(({ apiGroups, resources, resourceNames = [], verbs }) =>
        [apiGroups.join(), resources.join(), ...resourceNames, verbs.join(' ')].join(' | '),
      ),
    ).toEqual([
      'batch | jobs | create get list watch delete',
      ' | pods | get list watch',
      ' | pods/log | get',
      ' | events | list',
      ` | namespaces | ${jobNamespace} | get`,
      ' | resourcequotas | list',
    ]);
    const binding = only(ofKind(objects, 'RoleBinding', roleBindingSchema));
    const { namespace } = ours().metadata;
    expect(binding.metadata.namespace).toBe(jobNamespace);
    expect(binding.roleRef).toEqual({ kind: 'Role', name: role.metadata.name });
    expect(binding.subjects).toEqual([
      { kind: 'ServiceAccount', name: ours().podSpec.serviceAccountName, namespace },
    ]);
    expect(settings['JOB_SERVICE_ACCOUNT']).not.toBe(ours().podSpec.serviceAccountName);
  });

  test('holds nothing of the whole cluster but namespaces and the admission policy', () => {
    const whole = objects.filter(({ metadata }) => metadata.namespace === undefined).map(({ kind }) => kind);
    const allowed = [
      'Namespace',
      'Namespace',
      'ValidatingAdmissionPolicy',
      'ValidatingAdmissionPolicyBinding',
    ];
    expect(whole.toSorted()).toEqual(isForExistingNamespaces(folder) ? [] : allowed);
    const namespaces = new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? []));
    expect([...namespaces].toSorted()).toEqual([ours().pod.namespace, jobNamespace].toSorted());
  });

  test('enforces "restricted" in the namespaces that it makes, and its own pod obeys', () => {
    for (const { metadata } of ofKind(objects, 'Namespace', namedSchema)) {
      expect(metadata.labels).toMatchObject(
        Object.fromEntries(
          ['enforce', 'audit', 'warn'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']),
        ),
      );
    }
    expect(restrictedPodSchema.safeParse(ours().podSpec).error?.issues).toBeUndefined();
  });

  test('mounts the token of the service as a volume, and of no other account', () => {
    const { podSpec, container } = ours();
    expect(podSpec.automountServiceAccountToken).toBe(false);
    const tokens = podSpec.volumes.filter(({ projected }) =>
      projected?.sources.some((source) => 'serviceAccountToken' in source),
    );
    const mount = container.volumeMounts.find(({ name }) => name === only(tokens).name);
    expect(mount).toMatchObject({
      mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
      readOnly: true,
    });
    const account = { automountServiceAccountToken: false };
    const accounts = objects.filter(({ kind }) => kind === 'ServiceAccount');
    expect(accounts).toMatchObject([account, account]);
    expect(accounts.map(({ metadata }) => metadata.name).toSorted()).toEqual(
      [podSpec.serviceAccountName, settings['JOB_SERVICE_ACCOUNT'] ?? ''].toSorted(),
    );
  });

  test('names images with their tags', () => {
    expect(ours().container.image).toMatch(taggedImage);
    expect(settings['WORKER_IMAGE']).toMatch(taggedImage);
  });

  test('names volumes, ConfigMaps, Secrets and claims that are there', () => {
    const { podSpec, container } = ours();
    const volumes = podSpec.volumes.map(({ name }) => name);
    expect(container.volumeMounts.map(({ name }) => name).toSorted()).toEqual(volumes.toSorted());
    const referred = [
      ...container.envFrom.map(({ configMapRef }) => configMapRef.name),
      ...podSpec.volumes.flatMap(({ persistentVolumeClaim, secret, projected }) => [
        ...(persistentVolumeClaim === undefined ? [] : [persistentVolumeClaim.claimName]),
        ...(secret === undefined ? [] : [secret.secretName]),
        ...(projected?.sources ?? []).flatMap(({ configMap }) => configMap?.name ?? []),
      ]),
    ];
    const there = [...namesOf('ConfigMap'), ...namesOf('PersistentVolumeClaim'), ...madeElsewhere];
    expect(referred.filter((name) => !there.includes(name))).toEqual([]);
    expect(container.envFrom).toHaveLength(configMaps.length);
  });

  test('keeps the database on the claimed volume, and never runs two pods at once', () => {
    const { spec, podSpec, container } = ours();
    const volume = podSpec.volumes.find(({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined);
    const mount = container.volumeMounts.find(({ name }) => name === volume?.name);
    expect(settings['DATABASE_PATH']).toMatch(new RegExp(`^${mount?.mountPath}/`));
    expect(spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
  });

  test('keeps no more than the claimed volume holds twice, as docs/operations.md reckons', () => {
    const { keep } = parseConfig(settings);
    const operations = readFileSync(join(checkout, 'docs/operations.md'), 'utf8');
    const [, perJob, perEvent] = /(\d+) bytes for a job .* (\d+) for an event/.exec(operations) ?? [];
    const kept = keep.logBytes + keep.jobs * Number(perJob) + keep.events * Number(perEvent);
    const { spec } = only(ofKind(objects, 'PersistentVolumeClaim', claimSchema));
    expect(2 * kept).toBeLessThan(toNumber(spec.resources.requests.storage));
  });

  test('has selectors and ports that meet', () => {
    const { spec, pod, container } = ours();
    expect(pod.labels).toMatchObject(spec.selector.matchLabels);
    for (const service of services) {
      expect(service.metadata.namespace).toBe(pod.namespace);
      expect(pod.labels).toMatchObject(service.spec.selector);
      for (const { targetPort } of service.spec.ports) {
        expect(container.ports.map(({ name }) => name)).toContain(targetPort);
      }
    }
    for (const { spec: ingress } of ofKind(objects, 'Ingress', ingressSchema)) {
      for (const { service } of ingress.rules
        .flatMap(({ http }) => http.paths)
        .map(({ backend }) => backend)) {
        const meant = services.find(({ metadata }) => metadata.name === service.name);
        expect(meant?.spec.ports.map(({ name }) => name)).toContain(service.port.name);
      }
      const hosts = ingress.rules.map(({ host }) => `https://${host}`);
      expect(hosts).toEqual([settings['PUBLIC_URL']]);
      // Else all that come by it count as one.
      expect(parseConfig(settings).web.trustedProxies).not.toEqual([]);
    }
  });

  test('is configured as the service understands it', () => {
    const config = parseConfig(settings);
    expect(config).toMatchObject({
      cluster: { kind: 'in-cluster' },
      namespace: jobNamespace,
      host: '0.0.0.0',
    });
    expect(ours().container.ports).toContainEqual({ name: 'http', containerPort: config.port });
    const { name, namespace } = only(
      services.filter(({ metadata }) => metadata.name === 'jobspawn'),
    ).metadata;
    expect(config.allowedHosts).toEqual(
      expect.arrayContaining([`${name}.${namespace}`, `${name}.${namespace}.svc`]),
    );
  });

  test('lets the pods of jobs reach the callback address and nothing else of ours', () => {
    const { pod, container } = ours();
    const callback = new URL(settings['CALLBACK_URL'] ?? '');
    const [name, namespace] = callback.hostname.split('.');
    const service = only(
      services.filter(({ metadata }) => metadata.name === name && metadata.namespace === namespace),
    );
    const targets = service.spec.ports
      .filter(({ port }) => port === Number(callback.port || 80))
      .map(({ targetPort }) => container.ports.find((port) => port.name === targetPort)?.containerPort);
    const open = container.ports
      .map(({ containerPort }) => containerPort)
      .filter((port) => mayReach(policies, { from: jobPod, to: pod, port }));
    expect(open).toEqual(targets);
    expect(open).toHaveLength(1);
  });

  test('lets the service reach an API server at any of its usual ports, and jobs reach none', () => {
    for (const port of [443, 6443, 8443, 16443]) {
      expect([port, mayLeave(policies, { from: ours().pod, port })]).toEqual([port, true]);
      expect([port, mayLeave(policies, { from: jobPod, port })]).toEqual([port, false]);
    }
  });

  test('lets workers report before the pod is ready, and people come only then', () => {
    const callback = new URL(settings['CALLBACK_URL'] ?? '').hostname.split('.')[0];
    expect(
      Object.fromEntries(
        services.map(({ metadata, spec }) => [metadata.name, spec.publishNotReadyAddresses]),
      ),
    ).toEqual({ jobspawn: false, [callback ?? '']: true });
  });

  test('lets the service and jobs ask for names, of the DNS of the cluster and of a cache on the node', () => {
    for (const pod of [ours().pod, jobPod]) {
      expect(asksNames(policies, pod)).toEqual([
        'k8s-app=kube-dns',
        '169.254.0.0/16',
        ...(folder.endsWith('gke') ? ['k8s-app=node-local-dns'] : []),
      ]);
    }
  });

  test('leaves no pod without a policy, in either direction', () => {
    const isOurs = !isForExistingNamespaces(folder);
    const strangers = isOurs ? [another(ours().pod.namespace), another(jobNamespace)] : [];
    for (const pod of [ours().pod, jobPod, ...strangers]) {
      expect([pod, unheldDirections(policies, pod)]).toEqual([pod, []]);
    }
    expect(
      mayReach(policies, { from: { namespace: 'elsewhere', labels: {} }, to: ours().pod, port: 8080 }),
    ).toBe(false);
    expect(mayReach(policies, { from: another(jobNamespace), to: ours().pod, port: 8080 })).toBe(false);
  });

  test('bounds a container by the same amounts that the service tells of', () => {
    for (const { spec } of ofKind(objects, 'LimitRange', limitRangeSchema)) {
      expect(only(spec.limits)).toMatchObject({
        type: 'Container',
        max: { cpu: settings['MAX_CPU'], memory: settings['MAX_MEMORY'] },
      });
    }
  });

  test('has room in its quota for MAX_ACTIVE jobs of the usual size', () => {
    const { maxActive } = parseConfig(settings);
    for (const { spec } of ofKind(objects, 'ResourceQuota', quotaSchema)) {
      const { defaultRequest } = only(only(ofKind(objects, 'LimitRange', limitRangeSchema)).spec.limits);
      const taken = {
        'requests.cpu': maxActive * toNumber(defaultRequest.cpu),
        'limits.cpu': maxActive * toNumber(defaultRequest.cpu),
        'requests.memory': maxActive * toNumber(defaultRequest.memory),
        'limits.memory': maxActive * toNumber(defaultRequest.memory),
        pods: maxActive,
        'count/jobs.batch': maxActive,
      };
      expect(Object.keys(spec.hard).toSorted()).toEqual(Object.keys(taken).toSorted());
      for (const [name, amount] of Object.entries(taken))
        expect([name, amount <= toNumber(spec.hard[name] ?? '0')]).toEqual([name, true]);
    }
  });

  test('has one place for what the service and the admission policy both hold jobs to', () => {
    const names = ['ALLOWED_IMAGES', 'JOB_SERVICE_ACCOUNT', 'REQUIRE_IMAGE_DIGEST'];
    const holders = configMaps.filter(({ data }) => names.some((name) => name in data));
    expect(Object.keys(only(holders).data).toSorted()).toEqual(names);
    for (const binding of objects.filter(({ kind }) => kind === 'ValidatingAdmissionPolicyBinding')) {
      const { name, namespace } = only(holders).metadata;
      expect(binding).toMatchObject({
        spec: { policyName: only(namesOf('ValidatingAdmissionPolicy')), paramRef: { name, namespace } },
      });
    }
  });
});

function toNumber(quantity: string): number {
  const number = findQuantity(quantity);
  if (number === undefined) throw new Error(`"${quantity}" is no quantity`);
  return number;
}

/** Whether a path of an Ingress leads a request on. */
function leads({ path, pathType }: { path: string; pathType: string }, asked: string): boolean {
  if (pathType === 'Exact') return asked === path;
  return asked === path || asked.startsWith(`${path}/`);
}

(hasKubectl ? test : test.skip)(
  'an Ingress leads to every page and to all of the API, and to nothing that is meant for machines of the cluster',
  async () => {
    const side = await startHttpSide({ side: 'people' });
    await side.stop();
    const { spec } = only(ofKind(render('test/manifests/whole'), 'Ingress', ingressSchema));
    const paths = only(spec.rules).http.paths;
    const isReached = (asked: string) => paths.some((each) => leads(each, asked));
    const forMachines = side.routes.filter((each) => each.forMachines).map(({ path }) => path);
    const forPeople = side.routes.filter((each) => !each.forMachines).map(({ path }) => path);
    expect(forPeople.length).toBeGreaterThan(10);
    expect(
      [...forPeople.map((path) => path.replaceAll(/:\w+/g, 'a')), '/assets/logo.svg', '/favicon.ico'].filter(
        (path) => !isReached(path),
      ),
    ).toEqual([]);
    expect(forMachines).toEqual(expect.arrayContaining(['/metrics', '/readyz', '/healthz']));
    expect([...forMachines, '/status', '/updatejobstatus', '/anything'].filter(isReached)).toEqual([]);
  },
);

test('every variable of the base and the overlays is one that the service reads', () => {
  const folder = join(checkout, 'src', 'app');
  const sources = readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
  const used = [
    'base',
    'overlays/kind',
    'overlays/gke',
    'overlays/existing-namespace',
    'components/ingress',
  ].flatMap((name) =>
    [
      ...readFileSync(join(checkout, 'k8s', name, 'kustomization.yaml'), 'utf8').matchAll(
        /^ +- ([A-Z_]+)=/gm,
      ),
    ].map(([, variable]) => variable),
  );
  expect(used.length).toBeGreaterThan(10);
  expect(used.filter((variable) => !sources.includes(`  ${variable}:`))).toEqual([]);
});
