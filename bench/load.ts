/** The load generator as a program: an order as JSON on stdin, the result as JSON on stdout. */
import { json } from 'node:stream/consumers';
import { loadOrderSchema, runLoad } from './load-client.ts';

const order = loadOrderSchema.parse(await json(process.stdin));
console.log(JSON.stringify(await runLoad(order)));
