import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { Dice } from './dice.ts';
import { findFreePort } from './free-port.ts';

const fates = ['lost', 'answer lost', 'doubled', 'late', 'repeated later', 'well'] as const;

/** Stands between the workers and `/status`, and loses, doubles and reorders what they say as the dice fall. */
export async function startReportProxy({ dice, target }: { dice: Dice; target: () => string }) {
  const counts = new Map<string, number>();
  const echoes = new Set<Promise<unknown>>();
  const port = await findFreePort();

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(incoming);
    const fate = dice.pick(fates);
    counts.set(fate, (counts.get(fate) ?? 0) + 1);
    const send = () => pass(incoming, body);
    if (fate === 'lost') return void response.socket?.resetAndDestroy();
    // Behind the words that the worker says next.
    if (fate === 'repeated later') echo(delay(dice.between(300, 1500)).then(send));
    if (fate === 'late') await delay(dice.between(100, 700));
    if (fate === 'doubled') await send();
    const { status, said } = await send();
    if (fate === 'answer lost') return void response.socket?.resetAndDestroy();
    response.writeHead(status).end(said);
  }

  async function pass({ url = '', headers }: IncomingMessage, body: string) {
    const answer = await fetch(target() + url, {
      method: 'POST',
      headers: {
        'content-type': headers['content-type'] ?? '',
        authorization: headers.authorization ?? '',
      },
      body,
    });
    return { status: answer.status, said: await answer.text() };
  }

  function echo(work: Promise<unknown>): void {
    // The service may be gone by then.
    const settled = work.catch(() => {}).finally(() => echoes.delete(settled));
    echoes.add(settled);
  }

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => response.destroy());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${port}`,
    counts: (): ReadonlyMap<string, number> => counts,
    /** Resolves when everything that was to be repeated was. */
    async quiet(): Promise<void> {
      while (echoes.size > 0) await Promise.all(echoes);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await this.quiet();
    },
  };
}
