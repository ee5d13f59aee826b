/**
 * Preloaded into the service (`node --import`): for how long its event loop was held up at most, from when it listens on `PORT` until it is
 * told to stop, when it says so on stderr. What is evaluated before it listens keeps nobody waiting.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { Server } from 'node:net';

/** The timer that should have fired every so many ms tells, by how late it is, how long the loop was elsewhere. */
const everyMs = 1;
let last = Number.NaN;
let longest = 0;

function look(): void {
  const now = performance.now();
  longest = Math.max(longest, now - last - everyMs);
  last = now;
}

subscribe('tracing:net.server.listen:asyncEnd', (message) => {
  const { server } = message as { server: Server };
  const address = server.address();
  // With the local cluster there is another server in this process, and it listens first.
  if (typeof address !== 'object' || String(address?.port) !== process.env['PORT']) return;
  last = performance.now();
  setInterval(look, everyMs).unref();
});

process.once('SIGTERM', () => {
  look();
  console.error(`the event loop was held up for at most ${longest} ms`);
});
