/**
 * What stands beside our event stream: Express that hands each report on to all who read at that moment, and keeps nothing. What the
 * sending, the kernel and the readers' own program take is in this too.
 */
import express from 'express';
import type { Response } from 'express';
import { z } from 'zod';
import { reportSchema } from '../src/core/report.ts';

const app = express();
app.disable('x-powered-by');
app.set('etag', false);
const readers = new Set<Response>();
let seq = 0;

app.get('/api/v1/events', (_req, res) => {
  res.type('text/event-stream');
  res.write('retry: 2000\n\n');
  readers.add(res);
  res.once('close', () => readers.delete(res));
});

app.post('/status', express.json(), (req, res) => {
  const { 'job-id': jobId, status, message } = reportSchema.parse(req.body);
  seq += 1;
  const at = new Date().toISOString();
  const event = { seq, at, jobId, kind: 'report', state: 'RUNNING', status, message };
  const frame = `id: ${seq}\ndata: ${JSON.stringify(event)}\n\n`;
  for (const reader of readers) reader.write(frame);
  res.json({ 'job-id': jobId, status });
});

const server = app.listen(0, '127.0.0.1', () => {
  const { port } = z.object({ port: z.int() }).parse(server.address());
  console.log(`http://127.0.0.1:${port}`);
});
