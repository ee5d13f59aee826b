import type { ServerResponse } from 'node:http';

/** A Job as a list or a watch has it. */
export function job(uid: string, resourceVersion: string, name = uid) {
  return {
    metadata: {
      uid,
      name,
      namespace: 'jobs',
      resourceVersion,
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { app: 'x' },
    },
    spec: {},
    status: {},
  };
}

export function listOf(items: unknown[], resourceVersion: string, next?: string) {
  return { kind: 'JobList', metadata: { resourceVersion, continue: next }, items };
}

export function sendEvent(response: ServerResponse, type: string, object: unknown): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json' });
  response.write(`${JSON.stringify({ type, object })}\n`);
}

export const gone = { kind: 'Status', reason: 'Expired', message: 'too old resource version', code: 410 };
