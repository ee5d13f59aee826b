/** What stands beside the log of a job: the output of `cat`, through Express. The file is named in `BARE_FILE`. */
import { spawn } from 'node:child_process';
import { pipeline } from 'node:stream/promises';
import express from 'express';
import { z } from 'zod';

const file = process.env['BARE_FILE'] ?? '';
const app = express();
app.get('/log', async (_req, res) => {
  res.type('text/plain; charset=utf-8');
  // A reader that has enough goes away.
  await pipeline(spawn('cat', [file]).stdout, res).catch(() => {});
});
const server = app.listen(0, '127.0.0.1', () => {
  const { port } = z.object({ port: z.int() }).parse(server.address());
  console.log(`http://127.0.0.1:${port}/log`);
});
