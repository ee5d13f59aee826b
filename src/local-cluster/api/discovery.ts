import { createHash } from 'node:crypto';
import type { Answer, Call } from './call.ts';
import { methodNotAllowed } from './call.ts';
import { negotiate } from './negotiation.ts';
import { resourceNames, resources } from './resources.ts';
import type { ResourceInfo } from './resources.ts';

type Entry = {
  name: string;
  singularName: string;
  namespaced: boolean;
  kind: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
};

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const subresourceVerbs: Record<string, string[]> = { status: ['get', 'patch', 'update'], log: ['get'] };

const toEntries = (info: ResourceInfo): Entry[] => [
  {
    name: info.resource,
    singularName: info.singular,
    namespaced: info.namespaced,
    kind: info.kind,
    verbs: verbs.filter((verb) => info.namespaced || verb !== 'deletecollection'),
    ...(info.shortNames.length === 0 ? {} : { shortNames: info.shortNames }),
    ...(info.categories === undefined ? {} : { categories: info.categories }),
  },
  ...info.subresources.map((subresource) => ({
    name: `${info.resource}/${subresource}`,
    singularName: '',
    namespaced: info.namespaced,
    kind: info.kind,
    verbs: subresourceVerbs[subresource] ?? [],
  })),
];

const review = (kind: string): Entry => ({
  name: `${kind.toLowerCase()}s`,
  singularName: kind.toLowerCase(),
  namespaced: false,
  kind,
  verbs: ['create'],
});

const inGroup = (group: string) =>
  resourceNames
    .map((name) => resources[name])
    .filter((info) => info.group === group)
    .toSorted((a, b) => (a.resource < b.resource ? -1 : 1))
    .flatMap(toEntries);

const groups: Record<string, Entry[]> = {
  '': inGroup(''),
  'authentication.k8s.io': [review('SelfSubjectReview')],
  'authorization.k8s.io': [review('SelfSubjectAccessReview'), review('SelfSubjectRulesReview')],
  batch: inGroup('batch'),
};
const namedGroups = Object.keys(groups).filter((group) => group !== '');

export const servedGroups: readonly string[] = namedGroups;

const describeGroup = (group: string) => {
  const version = { groupVersion: `${group}/v1`, version: 'v1' };
  return { name: group, versions: [version], preferredVersion: version };
};

const resourceList = (group: string) => ({
  kind: 'APIResourceList',
  ...(group === '' ? {} : { apiVersion: 'v1' }),
  groupVersion: group === '' ? 'v1' : `${group}/v1`,
  resources: groups[group],
});

const responseKind = ({ kind }: Entry) => ({ group: '', version: '', kind });

const aggregateGroup = (group: string) => {
  const entries = groups[group] ?? [];
  return {
    metadata: group === '' ? {} : { name: group },
    versions: [
      {
        version: 'v1',
        resources: entries
          .filter(({ name }) => !name.includes('/'))
          .map((entry) => {
            const subresources = entries.filter(({ name }) => name.startsWith(`${entry.name}/`));
            return {
              resource: entry.name,
              responseKind: responseKind(entry),
              scope: entry.namespaced ? 'Namespaced' : 'Cluster',
              singularResource: entry.singularName,
              verbs: entry.verbs,
              ...(entry.shortNames === undefined ? {} : { shortNames: entry.shortNames }),
              ...(entry.categories === undefined ? {} : { categories: entry.categories }),
              ...(subresources.length === 0
                ? {}
                : {
                    subresources: subresources.map((subresource) => ({
                      subresource: subresource.name.slice(entry.name.length + 1),
                      responseKind: responseKind(subresource),
                      verbs: subresource.verbs,
                    })),
                  }),
            };
          }),
        freshness: 'Current',
      },
    ],
  };
};

function aggregated(call: Call, names: string[]): Answer {
  const body = {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: names.map(aggregateGroup),
  };
  const etag = `"${createHash('sha512').update(JSON.stringify(body)).digest('hex').toUpperCase()}"`;
  const headers = { vary: 'Accept', etag };
  if (call.headers['if-none-match'] === etag) return { status: 304, body: '', headers };
  const contentType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  return { status: 200, body, headers: { ...headers, 'content-type': contentType } };
}

const clientAddresses = (host: string | undefined) => [
  { clientCIDR: '0.0.0.0/0', serverAddress: host ?? '' },
];

function plain(call: Call, path: string): unknown {
  if (path === '/api') {
    return {
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: clientAddresses(call.headers.host),
    };
  }
  if (path === '/api/v1') return resourceList('');
  if (path === '/apis')
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: namedGroups.map(describeGroup) };
  for (const group of namedGroups) {
    if (path === `/apis/${group}`) return { kind: 'APIGroup', apiVersion: 'v1', ...describeGroup(group) };
    if (path === `/apis/${group}/v1`) return resourceList(group);
  }
  return undefined;
}

/** The discovery documents, one by one and all in one; undefined when the path names none. */
export function findDiscovery(call: Call): Answer | undefined {
  const path = call.path.replace(/(.)\/$/, '$1');
  const body = plain(call, path);
  if (body === undefined) return undefined;
  if (call.method !== 'GET') throw methodNotAllowed();
  const isRoot = path === '/api' || path === '/apis';
  const form = negotiate(call.headers.accept, isRoot ? ['aggregated'] : []);
  if (form === 'aggregated') return aggregated(call, path === '/api' ? [''] : namedGroups);
  return { status: 200, body, form: form === 'yaml' ? 'yaml' : 'json' };
}
