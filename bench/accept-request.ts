import type { LoadRequest } from './load-client.ts';

/** A request as programs send it: a name, and some of what may be said of a job. */
export const acceptRequest = {
  method: 'POST',
  path: '/api/v1/jobs',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    name: 'nightly report',
    args: ['simulate', '--seconds', '5'],
    env: { REGION: 'eu' },
  }),
} satisfies LoadRequest;
