/**
 * What stands beside our routes: Express, `express.json`, our schema and our answer, and nothing else. What a request costs beyond this is
 * what durability, access, metrics and headers cost. `node bench/bare-express.ts`, with the route as JSON in `BARE_ROUTE`.
 */
import express from 'express';
import { z } from 'zod';
import { jobRequestSchema } from '../src/core/job-request.ts';
import { reportSchema } from '../src/core/report.ts';

const schemas = { accept: jobRequestSchema, report: reportSchema };

const bareRouteSchema = z.strictObject({
  schema: z.enum(['accept', 'report']),
  path: z.string(),
  status: z.int(),
  /** As ours answered: made into JSON anew for every request, as ours is. */
  answer: z.json(),
});
export type BareRoute = z.output<typeof bareRouteSchema>;

const { schema, path, status, answer } = bareRouteSchema.parse(JSON.parse(process.env['BARE_ROUTE'] ?? ''));
const app = express();
app.disable('x-powered-by');
app.set('etag', false);
app.post(path, express.json(), (req, res) => {
  schemas[schema].parse(req.body);
  res.status(status).json(answer);
});
const server = app.listen(0, '127.0.0.1', () => {
  const { port } = z.object({ port: z.int() }).parse(server.address());
  console.log(`http://127.0.0.1:${port}`);
});
