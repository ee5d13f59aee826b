import { z } from 'zod';
import type { V1Job } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { AppError } from '../core/app-error.ts';
import type { Right } from '../core/cluster-rights.ts';
import type { JobObservation } from '../core/facts.ts';
import { ourSelector } from '../core/labels.ts';
import { isNamespaceName, isObjectName } from '../core/names.ts';
import { reviewSchema, toReviewRequest } from './access-review.ts';
import { toAppError } from './api-failure.ts';
import type { Connection } from './connection.ts';
import { toRefusal } from './create-outcome.ts';
import type { AskRights, CreateOutcome } from './create-outcome.ts';
import { readPodRefusal } from './job-events.ts';
import { toSeenJob, toSeenPod } from './observation.ts';
import type { SeenJob, SeenPod } from './observation.ts';
import { readLog } from './pod-log.ts';
import type { PodLogRequest } from './pod-log.ts';
import { startReflector } from './reflector.ts';
import type { Listener } from './reflector.ts';

export type Kube = ReturnType<typeof createKube>;

/** How long the API server may take over a create; our own patience is a little longer, so that its answer arrives. */
const serverTimeout = '10s';
export const createTimeoutMs = 15_000;

const uidSchema = z.object({ metadata: z.object({ uid: z.string() }) });

/**
 * The calls that the rest of the application makes, all in one namespace. Expected outcomes are values; anything else is
 * an AppError (`unavailable` when the cluster did not answer), or the reason of an aborted signal.
 */
export function createKube({
  connection,
  namespace,
  log,
  clock = () => new Date(),
  random = Math.random,
}: {
  connection: Connection;
  namespace: string;
  log: Logger;
  clock?: () => Date;
  random?: () => number;
}) {
  if (!isNamespaceName(namespace)) throw new AppError('invalid', `"${namespace}" is no name of a namespace.`);
  const jobsPath = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  const podsPath = `/api/v1/namespaces/${namespace}/pods`;

  async function isAllowed(right: Right, signal: AbortSignal): Promise<boolean> {
    const answer = await connection.call(toReviewRequest({ right, namespace }), signal);
    if (!answer.ok) throw toAppError(answer.failure, 'ask which rights we have');
    return reviewSchema.parse(answer.value).allowed;
  }

  async function post(manifest: V1Job, signal: AbortSignal): Promise<CreateOutcome | AskRights> {
    const answer = await connection.call(
      {
        method: 'POST',
        path: jobsPath,
        query: { fieldValidation: 'Strict', fieldManager: 'jobspawn', timeout: serverTimeout },
        body: manifest,
        timeoutMs: createTimeoutMs,
      },
      signal,
    );
    if (answer.ok) return { kind: 'created', observation: toSeenJob(answer.value).observation };
    return toRefusal(answer.failure, random());
  }

  /**
   * A 403 made nothing, whatever it meant. Where we have the right now we may not have had it then, so only a second one says for
   * sure that it is this Job that is not wanted.
   */
  async function judgeForbidden(
    manifest: V1Job,
    message: string,
    signal: AbortSignal,
  ): Promise<CreateOutcome> {
    const allowed = await isAllowed({ group: 'batch', resource: 'jobs', verb: 'create' }, signal).catch(
      () => {
        signal.throwIfAborted();
        return false;
      },
    );
    if (!allowed) return { kind: 'forbidden', message };
    const second = await post(manifest, signal);
    return second.kind === 'ask-rights'
      ? { kind: 'refused', reason: 'Forbidden', message: second.message }
      : second;
  }

  return {
    namespace,

    async createJob(manifest: V1Job, signal: AbortSignal): Promise<CreateOutcome> {
      checkName(manifest.metadata?.name ?? '');
      const first = await post(manifest, signal);
      return first.kind === 'ask-rights' ? judgeForbidden(manifest, first.message, signal) : first;
    },

    /** The Job of this name and the job id on its label (null: not ours), or undefined. */
    async findJob(
      name: string,
      signal: AbortSignal,
    ): Promise<{ observation: JobObservation; jobId: string | null } | undefined> {
      const answer = await connection.call({ method: 'GET', path: `${jobsPath}/${checkName(name)}` }, signal);
      if (answer.ok) return toSeenJob(answer.value);
      if (answer.failure.reason === 'NotFound') return undefined;
      throw toAppError(answer.failure, `look for the Job ${name}`);
    },

    /** Deletes exactly this Job, and its pods after it; `gone` also when the name belongs to another one by now. */
    async deleteJob(name: string, uid: string, signal: AbortSignal): Promise<'deleted' | 'gone'> {
      const answer = await connection.call(
        {
          method: 'DELETE',
          path: `${jobsPath}/${checkName(name)}`,
          // All in the body: when there is one, the server does not read the query, and would orphan the pods.
          body: {
            apiVersion: 'v1',
            kind: 'DeleteOptions',
            propagationPolicy: 'Background',
            preconditions: { uid },
          },
        },
        signal,
      );
      if (answer.ok) return 'deleted';
      if (answer.failure.reason === 'NotFound' || answer.failure.reason === 'Conflict') return 'gone';
      throw toAppError(answer.failure, `delete the Job ${name}`);
    },

    /** As `kubectl logs`. Throws AppError `not-found` for a pod that is gone, `unavailable` for one not started. */
    readPodLog(request: PodLogRequest, signal: AbortSignal): AsyncIterable<Buffer> {
      return readLog({ connection, podPath: `${podsPath}/${checkName(request.pod)}` }, request, signal);
    },

    /** Every Job with our label, for as long as the signal lasts. */
    watchJobs(listener: Listener<SeenJob>, signal: AbortSignal) {
      return startReflector({
        connection,
        path: jobsPath,
        labelSelector: ourSelector,
        project: toSeenJob,
        listener,
        log,
        signal,
        clock,
        random,
      });
    },

    watchPods(listener: Listener<SeenPod>, signal: AbortSignal) {
      return startReflector({
        connection,
        path: podsPath,
        labelSelector: ourSelector,
        project: toSeenPod,
        listener,
        log,
        signal,
        clock,
        random,
      });
    },

    /** Why no pod of the Job with this uid could be made, or null: the cluster says so in events alone. */
    findPodRefusal(jobUid: string, signal: AbortSignal): Promise<string | null> {
      return readPodRefusal({ connection, namespace, jobUid }, signal);
    },

    /** What tells this cluster and namespace from every other; null if there is no such namespace. */
    async getNamespaceUid(signal: AbortSignal): Promise<string | null> {
      const answer = await connection.call(
        { method: 'GET', path: `/api/v1/namespaces/${namespace}` },
        signal,
      );
      if (answer.ok) return uidSchema.parse(answer.value).metadata.uid;
      if (answer.failure.reason === 'NotFound') return null;
      throw toAppError(answer.failure, `read the namespace ${namespace}`);
    },

    isAllowed,
  };
}

function checkName(name: string): string {
  if (!isObjectName(name)) throw new AppError('invalid', `"${name}" is no name of a Kubernetes object.`);
  return name;
}
