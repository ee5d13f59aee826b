import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { reportSchema } from '../../src/core/report.ts';
import type { ReportInput } from '../../src/core/report.ts';

type Received = { path: string; headers: IncomingHttpHeaders; report: ReportInput; at: number };
type Reply = { status: number; headers?: Record<string, string> };

/** Answers the nth report (from 1); the default is 200 for all. */
export type Answer = (received: Received, nth: number) => Reply | Promise<Reply>;

/** Takes the reports as the service does: what the schema of the contract refuses is answered 400. */
export async function startReportServer(answer: Answer = () => ({ status: 200 })) {
  const received: Received[] = [];
  let open = 0;
  let mostOpen = 0;

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    mostOpen = Math.max(mostOpen, ++open);
    const parsed = reportSchema.safeParse(await json(request));
    if (parsed.success) {
      const { url: path = '', headers } = request;
      const one = { path, headers, report: parsed.data, at: performance.now() };
      const reply = await answer(one, received.push(one));
      response.writeHead(reply.status, reply.headers);
    } else {
      response.writeHead(400);
    }
    open--;
    response.end('{}');
  }

  const server = createServer((request, response) => void take(request, response));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');

  return {
    url: `http://127.0.0.1:${address.port}`,
    received,
    statuses: () => received.map(({ report }) => report.status),
    mostOpen: () => mostOpen,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
