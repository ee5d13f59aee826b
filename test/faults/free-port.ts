import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A port that nobody has, to be taken again after each kill. From below the range out of which the system gives ports to outgoing
 * connections: one of those could have it when its owner comes back.
 */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      return port;
    } catch {
      // Taken: another one.
    } finally {
      server.close();
    }
  }
}
