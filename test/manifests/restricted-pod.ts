import { z } from 'zod';

const no = z.literal(false).optional();
const absent = z.undefined().optional();
const amounts = z.looseObject({ cpu: z.string(), memory: z.string() });
const probe = z.looseObject({
  httpGet: z.looseObject({ host: absent }).optional(),
  tcpSocket: z.looseObject({ host: absent }).optional(),
});

const container = z.looseObject({
  securityContext: z.looseObject({
    allowPrivilegeEscalation: z.literal(false),
    privileged: no,
    readOnlyRootFilesystem: z.literal(true),
    runAsNonRoot: z.literal(true).optional(),
    runAsUser: z.int().positive().optional(),
    seccompProfile: absent,
    procMount: absent,
    capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  ports: z.array(z.looseObject({ hostPort: absent, hostIP: absent })).optional(),
  startupProbe: probe.optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  resources: z.looseObject({ requests: amounts, limits: amounts }),
});

const anything = z.unknown().optional();

/** Pod Security "restricted", and on top of it what this project asks of every pod. */
export const restrictedPodSchema = z.looseObject({
  hostNetwork: no,
  hostPID: no,
  hostIPC: no,
  enableServiceLinks: z.literal(false),
  automountServiceAccountToken: z.boolean(),
  securityContext: z.looseObject({
    runAsNonRoot: z.literal(true),
    runAsUser: z.literal(65532),
    seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
    sysctls: absent,
  }),
  volumes: z
    .array(
      z.strictObject({
        name: z.string(),
        configMap: anything,
        csi: anything,
        downwardAPI: anything,
        emptyDir: z.looseObject({ sizeLimit: z.string() }).optional(),
        ephemeral: anything,
        image: anything,
        persistentVolumeClaim: anything,
        projected: anything,
        secret: anything,
      }),
    )
    .optional(),
  initContainers: z.array(container).optional(),
  containers: z.array(container).min(1),
});
