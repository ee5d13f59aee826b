import { z } from 'zod';

/** The parts of Kubernetes objects that the rules look at. */

const labels = z.record(z.string(), z.string());
const metadata = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  labels: labels.optional(),
});

export const roleSchema = z.looseObject({
  metadata,
  rules: z.array(
    z.strictObject({
      apiGroups: z.array(z.string()),
      resources: z.array(z.string()),
      resourceNames: z.array(z.string()).optional(),
      verbs: z.array(z.string()),
    }),
  ),
});

export const roleBindingSchema = z.looseObject({
  metadata,
  roleRef: z.object({ kind: z.string(), name: z.string() }),
  subjects: z.array(z.object({ kind: z.string(), name: z.string(), namespace: z.string() })),
});

export const configMapSchema = z.looseObject({ metadata, data: z.record(z.string(), z.string()) });

export const namedSchema = z.looseObject({ metadata });

export const serviceSchema = z.looseObject({
  metadata,
  spec: z.object({
    selector: labels,
    publishNotReadyAddresses: z.boolean().default(false),
    ports: z.array(z.object({ name: z.string(), port: z.number(), targetPort: z.string() })),
  }),
});

const volumeSchema = z.looseObject({
  name: z.string(),
  persistentVolumeClaim: z.object({ claimName: z.string() }).optional(),
  secret: z.object({ secretName: z.string() }).optional(),
  projected: z
    .object({
      sources: z.array(z.looseObject({ configMap: z.looseObject({ name: z.string() }).optional() })),
    })
    .optional(),
});

export const deploymentSchema = z.looseObject({
  metadata,
  spec: z.looseObject({
    replicas: z.number(),
    strategy: z.object({ type: z.string() }),
    selector: z.object({ matchLabels: labels }),
    template: z.looseObject({
      metadata: z.looseObject({ labels }),
      spec: z.looseObject({
        serviceAccountName: z.string(),
        automountServiceAccountToken: z.boolean(),
        volumes: z.array(volumeSchema),
        containers: z
          .array(
            z.looseObject({
              image: z.string(),
              ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
              volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })),
              envFrom: z.array(z.object({ configMapRef: z.object({ name: z.string() }) })),
            }),
          )
          .length(1),
      }),
    }),
  }),
});

const podSelector = z.strictObject({ matchLabels: labels.optional() });
const peer = z.strictObject({
  namespaceSelector: podSelector.optional(),
  podSelector: podSelector.optional(),
  ipBlock: z.object({ cidr: z.string() }).optional(),
});
const ports = z.array(z.strictObject({ protocol: z.enum(['TCP', 'UDP']), port: z.number() }));

export const networkPolicySchema = z.looseObject({
  metadata,
  spec: z.strictObject({
    podSelector,
    policyTypes: z.array(z.enum(['Ingress', 'Egress'])),
    ingress: z.array(z.strictObject({ from: z.array(peer), ports })).optional(),
    egress: z.array(z.strictObject({ to: z.array(peer).optional(), ports })).optional(),
  }),
});
export type NetworkPolicy = z.output<typeof networkPolicySchema>;

const amounts = z.object({ cpu: z.string(), memory: z.string() });

export const quotaSchema = z.looseObject({ spec: z.object({ hard: z.record(z.string(), z.string()) }) });

export const claimSchema = z.looseObject({
  metadata,
  spec: z.looseObject({ resources: z.object({ requests: z.object({ storage: z.string() }) }) }),
});

export const limitRangeSchema = z.looseObject({
  spec: z.object({
    limits: z.array(z.looseObject({ type: z.string(), max: amounts, defaultRequest: amounts })),
  }),
});

export const ingressSchema = z.looseObject({
  spec: z.looseObject({
    rules: z.array(
      z.object({
        host: z.string(),
        http: z.object({
          paths: z.array(
            z.object({
              path: z.string(),
              pathType: z.enum(['Exact', 'Prefix']),
              backend: z.object({
                service: z.object({ name: z.string(), port: z.object({ name: z.string() }) }),
              }),
            }),
          ),
        }),
      }),
    ),
  }),
});
