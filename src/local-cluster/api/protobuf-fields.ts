/**
 * The fields of Kubernetes' protobuf messages in the order of their numbers, from 1; `-` is a number without a field,
 * `*Message` one whose fields stand in the JSON object
 * itself, `!` one that is not read. Their types are those of the JSON schema. Only what
 * kubectl's own commands send is here.
 */
const messages: Record<string, string> = {
  ObjectMeta:
    'name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp deletionGracePeriodSeconds labels annotations ownerReferences finalizers',
  OwnerReference: 'kind - name uid apiVersion controller blockOwnerDeletion',
  LabelSelector: 'matchLabels matchExpressions',
  LabelSelectorRequirement: 'key operator values',
  Namespace: 'metadata spec !',
  NamespaceSpec: 'finalizers',
  Job: 'metadata spec !',
  JobSpec:
    'parallelism completions activeDeadlineSeconds selector manualSelector template backoffLimit ttlSecondsAfterFinished completionMode suspend podFailurePolicy backoffLimitPerIndex maxFailedIndexes podReplacementPolicy managedBy successPolicy',
  PodFailurePolicy: 'rules',
  PodFailurePolicyRule: 'action onExitCodes onPodConditions',
  PodFailurePolicyOnExitCodesRequirement: 'containerName operator values',
  PodFailurePolicyOnPodConditionsPattern: 'type status',
  SuccessPolicy: 'rules',
  SuccessPolicyRule: 'succeededIndexes succeededCount',
  PodTemplateSpec: 'metadata spec',
  PodSpec:
    'volumes containers restartPolicy terminationGracePeriodSeconds activeDeadlineSeconds dnsPolicy nodeSelector serviceAccountName serviceAccount nodeName hostNetwork hostPID hostIPC securityContext imagePullSecrets hostname subdomain affinity schedulerName initContainers automountServiceAccountToken tolerations hostAliases priorityClassName priority dnsConfig shareProcessNamespace readinessGates runtimeClassName enableServiceLinks preemptionPolicy',
  Container:
    'name image command args workingDir ports env resources volumeMounts livenessProbe readinessProbe lifecycle terminationMessagePath imagePullPolicy securityContext stdin stdinOnce tty envFrom terminationMessagePolicy volumeDevices startupProbe resizePolicy restartPolicy',
  ContainerPort: 'name hostPort containerPort protocol hostIP',
  EnvVar: 'name value valueFrom',
  EnvVarSource: 'fieldRef resourceFieldRef configMapKeyRef secretKeyRef',
  ObjectFieldSelector: 'apiVersion fieldPath',
  ResourceFieldSelector: 'containerName resource divisor',
  ConfigMapKeySelector: '*LocalObjectReference key optional',
  SecretKeySelector: '*LocalObjectReference key optional',
  LocalObjectReference: 'name',
  ResourceRequirements: 'limits requests',
  VolumeMount: 'name readOnly mountPath subPath mountPropagation subPathExpr',
  Volume: 'name *VolumeSource',
  VolumeSource: '- emptyDir',
  EmptyDirVolumeSource: 'medium sizeLimit',
  SecurityContext:
    'capabilities privileged - runAsUser runAsNonRoot readOnlyRootFilesystem allowPrivilegeEscalation runAsGroup - - seccompProfile',
  PodSecurityContext:
    '- runAsUser runAsNonRoot supplementalGroups fsGroup runAsGroup - - fsGroupChangePolicy seccompProfile',
  SeccompProfile: 'type localhostProfile',
  Capabilities: 'add drop',
  Toleration: 'key operator value effect tolerationSeconds',
  SelfSubjectAccessReview: 'metadata spec !',
  SelfSubjectAccessReviewSpec: 'resourceAttributes nonResourceAttributes',
  ResourceAttributes: 'namespace verb group version resource subresource name',
  NonResourceAttributes: 'path verb',
  SelfSubjectReview: 'metadata !',
  SelfSubjectRulesReview: 'metadata spec !',
  SelfSubjectRulesReviewSpec: 'namespace',
};

/** The name of a message's field by its number; undefined when it is none that is known here. */
export function fieldName(message: string, number: number): string | undefined {
  const name = messages[message]?.split(' ')[number - 1];
  return name === '-' ? undefined : name;
}
