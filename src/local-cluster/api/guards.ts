import type { IncomingMessage } from 'node:http';
import { StatusError } from './status-error.ts';

const loopbackNames = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * This server starts processes for whoever may speak to it. No browser may: a page that guesses the address is
 * betrayed by its Origin or Sec-Fetch-Site header, and a rebound DNS name by the Host header. Throws StatusError 403.
 */
export function checkGuards(request: IncomingMessage): void {
  const { host = '', origin, 'sec-fetch-site': fetchSite } = request.headers;
  const name = host.replace(/:\d+$/, '');
  if (!loopbackNames.has(name)) {
    throw new StatusError('Forbidden', 'the local cluster answers only to a loopback Host', { details: {} });
  }
  if (origin !== undefined || fetchSite !== undefined) {
    throw new StatusError('Forbidden', 'the local cluster does not answer browsers', { details: {} });
  }
}
