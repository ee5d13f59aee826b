import type { Releasers } from '../src/app/releasers.ts';
import { startChild } from '../test/faults/child-process.ts';
import type { BareRoute } from './bare-express.ts';
import { launchers } from './machine.ts';

/** The bare Express in a process of its own, on the server's core: only one of the servers is under load at a time. */
export async function startBareServer(route: BareRoute, releasers: Releasers) {
  const child = startChild(
    ['bench/bare-express.ts'],
    { BARE_ROUTE: JSON.stringify(route) },
    launchers.server,
  );
  releasers.push(async () => void (await child.end('SIGTERM')));
  return { url: await child.firstLine, pid: child.pid };
}
