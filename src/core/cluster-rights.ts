/** What the service needs to be allowed in the cluster, and what it must not be allowed. */

/** A rule of a Role, with what it is for; k8s/base/rights.yaml has the same ones. */
export type Rule = {
  apiGroups: readonly string[];
  resources: readonly string[];
  resourceNames?: readonly string[];
  verbs: readonly string[];
  purpose: string;
  /** What does not work without it. */
  otherwise: string;
};

/** A right as SelfSubjectAccessReview asks for it. */
export type Right = { group: string; resource: string; subresource?: string; name?: string; verb: string };

/** A right in one namespace; null: in all of them, and on what belongs to none. */
export type Question = { right: Right; namespace: string | null };

/** Where the service works. */
export type Place = {
  kind: 'local' | 'kubeconfig' | 'in-cluster';
  /** Of the jobs. */
  namespace: string;
  /** Of the service's own pod; null outside of a cluster. */
  ownNamespace: string | null;
};

/** All that the service may do, and only in the namespace of the jobs. */
export function neededRules(namespace: string): Rule[] {
  return [
    {
      apiGroups: ['batch'],
      resources: ['jobs'],
      verbs: ['create', 'get', 'list', 'watch', 'delete'],
      purpose: 'Dispatch, adopt after a lost answer, observe, cancel.',
      otherwise: 'no job can be started, followed and cancelled',
    },
    {
      apiGroups: [''],
      resources: ['pods'],
      verbs: ['get', 'list', 'watch'],
      purpose: 'The pods of a job: phases, exit codes, reasons.',
      otherwise: 'nothing is known of the pods of a job, and the service does not become ready',
    },
    {
      apiGroups: [''],
      resources: ['pods/log'],
      verbs: ['get'],
      purpose: 'Logs, which are kept longer than the pods.',
      otherwise: 'no log can be shown or kept',
    },
    {
      apiGroups: [''],
      resources: ['events'],
      verbs: ['list'],
      purpose: 'Why a pod was refused or finds no place: only events say that.',
      otherwise: 'a job whose pod is refused cannot say why',
    },
    {
      apiGroups: [''],
      resources: ['namespaces'],
      resourceNames: [namespace],
      verbs: ['get'],
      purpose: 'The uid of the namespace tells one cluster from another.',
      otherwise: 'the service does not know which cluster this is, and starts nothing there',
    },
    {
      apiGroups: [''],
      resources: ['resourcequotas'],
      verbs: ['list'],
      purpose: 'What is left for jobs.',
      otherwise: 'nobody sees here what the quota leaves',
    },
  ];
}

/** The rights that a rule gives, one for each verb. */
function toRights({ apiGroups, resources, resourceNames = [], verbs }: Rule): Right[] {
  const [name] = resourceNames;
  return apiGroups.flatMap((group) =>
    resources.flatMap((path) => verbs.map((verb) => toRight(group, path, verb, name))),
  );
}

/** `pods/exec` is the subresource of a resource. */
function toRight(group: string, path: string, verb: string, name?: string): Right {
  const [resource = '', subresource] = path.split('/');
  return {
    group,
    resource,
    ...(subresource === undefined ? {} : { subresource }),
    ...(name === undefined ? {} : { name }),
    verb,
  };
}

const rbac = 'rbac.authorization.k8s.io';

/** With these the service could read what is secret, become somebody else, or run what nobody submitted. */
const forbiddenWithJobs: readonly Right[] = [
  toRight('', 'secrets', 'get'),
  toRight('', 'secrets', 'list'),
  toRight('', 'configmaps', 'get'),
  toRight('', 'configmaps', 'list'),
  toRight('', 'pods', 'create'),
  toRight('', 'pods/exec', 'create'),
  toRight('', 'pods/attach', 'create'),
  toRight('', 'serviceaccounts/token', 'create'),
  toRight(rbac, 'roles', 'create'),
  toRight(rbac, 'rolebindings', 'create'),
  toRight('batch', 'jobs', 'deletecollection'),
  toRight('*', '*', '*'),
];

/** Where it has no business at all, the means to do harm stand for everything else. */
const forbiddenElsewhere: readonly Right[] = [
  toRight('', 'secrets', 'get'),
  toRight('', 'pods', 'create'),
  toRight('', 'pods/exec', 'create'),
  toRight('batch', 'jobs', 'create'),
  toRight(rbac, 'rolebindings', 'create'),
];

const forbiddenEverywhere: readonly Right[] = [
  toRight('', 'secrets', 'list'),
  toRight('', 'pods', 'create'),
  toRight('batch', 'jobs', 'create'),
  toRight('', 'nodes', 'list'),
  toRight(rbac, 'clusterrolebindings', 'create'),
  toRight('*', '*', '*'),
];

/** There in every cluster, and never ours. */
const anotherNamespace = 'kube-system';

/** What must not be allowed, by where: each part has its own name for people. */
export function forbiddenParts({ namespace, ownNamespace }: Place) {
  const elsewhere = [ownNamespace, anotherNamespace].filter(
    (other): other is string => other !== null && other !== namespace,
  );
  return [
    { where: `in ${namespace}`, questions: ask(forbiddenWithJobs, namespace) },
    ...[...new Set(elsewhere)].map((other) => ({
      where: `in ${other}`,
      questions: ask(forbiddenElsewhere, other),
    })),
    { where: 'in the whole cluster', questions: ask(forbiddenEverywhere, null) },
  ];
}

export function neededQuestions(rule: Rule, namespace: string): Question[] {
  return ask(toRights(rule), namespace);
}

function ask(rights: readonly Right[], namespace: string | null): Question[] {
  return rights.map((right) => ({ right, namespace }));
}

/** `create pods/exec`, `list jobs.batch`, `everything`. */
export function toWords({ group, resource, subresource, verb }: Right): string {
  if (verb === '*' && resource === '*') return 'everything';
  const path = subresource === undefined ? resource : `${resource}/${subresource}`;
  return `${verb} ${path}${group === '' ? '' : `.${group}`}`;
}
