import type { Finding } from './cluster-report.ts';
import { neededRules } from './cluster-rights.ts';
import type { Place, Rule } from './cluster-rights.ts';

/**
 * The missing pieces as YAML for `kubectl apply`, each with a comment that says which it is; empty where nothing is missing that YAML
 * could mend. The Role comes whole: applied with the missing rule alone it would lose the others. Pure text, since this room has no
 * YAML library; every value that might be no plain word is quoted as JSON, which is YAML too.
 */
export function toManifests(findings: readonly Finding[], place: Place, user: string | null): string {
  const mends = findings.flatMap(({ mend }) => (mend === null ? [] : [mend]));
  const missing = mends.flatMap((mend) => (mend.kind === 'rule' ? [mend.rule] : []));
  const documents = [
    ...mends.flatMap((mend) => (mend.kind === 'manifest' ? [mend.yaml] : [])),
    ...(missing.length === 0 ? [] : [toRole(place, missing), toRoleBinding(place, user)]),
  ];
  return documents.join('---\n');
}

/** The namespace of the jobs as k8s/base has it. */
export function toNamespaceYaml(namespace: string): string {
  return `apiVersion: v1
kind: Namespace
metadata:
  name: ${toScalar(namespace)}
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/audit: restricted
    pod-security.kubernetes.io/warn: restricted
`;
}

/** The one rule, as it stands in a Role. */
export function toRuleYaml({ apiGroups, resources, resourceNames, verbs }: Rule): string {
  const names = resourceNames === undefined ? '' : `  resourceNames: ${toFlow(resourceNames)}\n`;
  return `- apiGroups: ${toFlow(apiGroups)}\n  resources: ${toFlow(resources)}\n${names}  verbs: ${toFlow(verbs)}\n`;
}

function toRole(place: Place, missing: readonly Rule[]): string {
  const isMissing = ({ resources }: Rule) =>
    missing.some((rule) => rule.resources.join() === resources.join());
  const rules = neededRules(place.namespace).map((rule) => {
    const comment = `# ${isMissing(rule) ? 'Missing: ' : ''}${rule.purpose}\n`;
    return (comment + toRuleYaml(rule)).replaceAll(/^(?=.)/gm, '  ');
  });
  return `# Whole, since an applied Role replaces the one that is there.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: jobspawn
  namespace: ${toScalar(place.namespace)}
rules:
${rules.join('')}`;
}

function toRoleBinding(place: Place, user: string | null): string {
  return `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: ${bindingName(place)}
  namespace: ${toScalar(place.namespace)}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: jobspawn
subjects:
${toSubject(place, user)}`;
}

/** A person's binding must not take the place of the service's own. */
function bindingName({ kind }: Place): string {
  return kind === 'in-cluster' ? 'jobspawn' : 'jobspawn-by-kubeconfig';
}

const serviceAccount = /^system:serviceaccount:([^:]+):([^:]+)$/;

function toSubject({ ownNamespace }: Place, user: string | null): string {
  const [, namespace = ownNamespace ?? 'jobspawn', name = 'jobspawn'] = serviceAccount.exec(user ?? '') ?? [];
  if (user !== null && !serviceAccount.test(user)) {
    return `  - kind: User\n    apiGroup: rbac.authorization.k8s.io\n    name: ${toScalar(user)}\n`;
  }
  return `  - kind: ServiceAccount\n    name: ${toScalar(name)}\n    namespace: ${toScalar(namespace)}\n`;
}

function toFlow(words: readonly string[]): string {
  return `[${words.map(toScalar).join(', ')}]`;
}

// Allowed in JSON, and either refused by YAML or not what it looks like.
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const unsightly = /[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Plain where YAML cannot take it for anything but a word. */
function toScalar(word: string): string {
  const isPlain = /^[a-z][a-z0-9./-]+$/.test(word) && !/^(true|false|null|yes|no|on|off)$/.test(word);
  return isPlain ? word : JSON.stringify(word).replaceAll(unsightly, toEscape);
}

function toEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
