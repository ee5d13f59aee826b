import type { ApiAnswer, ApiClient, ApiRequest } from './api-client.ts';
import { listAt, textAt } from './json.ts';

/** A request of the suite's own: anything but success is an error with the server's words. */
export async function demand(client: ApiClient, request: ApiRequest): Promise<ApiAnswer> {
  const headers = { 'content-type': 'application/json', ...request.headers };
  const answer = await client.send({ ...request, headers });
  if (answer.status >= 300) throw new Error(`${request.method} ${request.path}: ${answer.raw}`);
  return answer;
}

/** Whether the Job at the path has a condition of the type. */
export async function hasConditions(client: ApiClient, path: string, type: string): Promise<boolean> {
  const job = await demand(client, { method: 'GET', path });
  return listAt(job.body, 'status', 'conditions').some((condition) => textAt(condition, 'type') === type);
}
