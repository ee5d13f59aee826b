import { z } from 'zod';
import type { Question } from '../core/cluster-rights.ts';
import type { ApiRequest } from './connection.ts';

/** Asks the API server whether we have a right. */
export function toReviewRequest({ right, namespace }: Question): ApiRequest {
  return {
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { ...(namespace === null ? {} : { namespace }), ...right } },
    },
  };
}

/** Its answer, with what gave us the right where it says so. */
export const reviewSchema = z
  .object({ status: z.object({ allowed: z.boolean(), reason: z.string().default('') }) })
  .transform(({ status }) => status);
