import type { ServerResponse } from 'node:http';

/** An answer in the API server's name. Without a body it is a Status of this reason. */
export type FalseAnswer = {
  code: number;
  reason?: string;
  message?: string;
  headers?: Record<string, string>;
  body?: string;
};

/** A Status, as Kubernetes says no. */
export function toStatus({ code, reason = '', message }: FalseAnswer): string {
  const said = message ?? `${reason || code} as a test wants it`;
  return JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message: said, code });
}

export function sendFalse(response: ServerResponse, answer: FalseAnswer): void {
  response.writeHead(answer.code, { 'content-type': 'application/json', ...answer.headers });
  response.end(answer.body ?? toStatus(answer));
}
