import type { RequestHandler } from 'express';
import type { Logger } from 'pino';

/** One line per answer. The path alone, never the query: a worker's token stands there. */
export function accessLog(log: Logger): RequestHandler {
  return (req, res, next) => {
    const started = process.hrtime.bigint();
    const { method, path } = req;
    res.once('close', () => {
      const milliseconds = Number(process.hrtime.bigint() - started) / 1e6;
      log.debug({ method, path, status: res.statusCode, ms: Math.round(milliseconds * 10) / 10 }, 'request');
    });
    next();
  };
}
