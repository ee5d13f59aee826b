/**
 * What stands beside the dispatcher: a loop that creates the same Job under ever new names, by a pool of connections (`pool`) or by the client
 * library as it comes (`stock`). An order as JSON on stdin.
 */
import { json } from 'node:stream/consumers';
import { BatchV1Api, KubeConfig } from '@kubernetes/client-node';
import type { V1Job } from '@kubernetes/client-node';
import { Pool } from 'undici';
import { z } from 'zod';

const orderSchema = z.strictObject({
  by: z.enum(['pool', 'stock']),
  url: z.string(),
  path: z.string(),
  namespace: z.string(),
  kubeconfigPath: z.string(),
  body: z.string(),
  count: z.int(),
  atOnce: z.int(),
});
export type BareCreates = z.output<typeof orderSchema>;

const order = orderSchema.parse(await json(process.stdin));
const { url, path, namespace, body, atOnce } = order;
const { name } = z.object({ metadata: z.object({ name: z.string() }) }).parse(JSON.parse(body)).metadata;

type Call = (n: number) => Promise<void>;

function createPoolCall(): Call {
  const pool = new Pool(url, { connections: atOnce, connect: { rejectUnauthorized: false } });
  const headers = { 'content-type': 'application/json', authorization: 'Bearer of-the-stub' };
  return async (n) => {
    const named = body.replace(`"${name}"`, `"${name}-${n}"`);
    const answer = await pool.request({ method: 'POST', path, headers, body: named });
    if (answer.statusCode !== 201) throw new Error(`answered with ${answer.statusCode}`);
    await answer.body.text();
  };
}

function createStockCall(): Call {
  const config = new KubeConfig();
  config.loadFromFile(order.kubeconfigPath);
  const client = config.makeApiClient(BatchV1Api);
  const job = JSON.parse(body) as V1Job;
  return async () => void (await client.createNamespacedJob({ namespace, body: job }));
}

const call = order.by === 'pool' ? createPoolCall() : createStockCall();
let left = order.count;
async function work(): Promise<void> {
  while (left > 0) {
    left -= 1;
    await call(left);
  }
}
await Promise.all(Array.from({ length: atOnce }, work));
// The library leaves sockets behind.
process.exit(0);
