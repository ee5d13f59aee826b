import { json, urlencoded } from 'express';
import type { RequestHandler } from 'express';
import { AppError } from '../core/app-error.ts';
import type { Body } from '../handlers/route.ts';

const mediaTypes = { json: 'application/json', form: 'application/x-www-form-urlencoded' };

/** Reads a body of one of the types that a route takes; others are 415, longer ones 413, and no body is no fault yet. */
export function readBody({ types, limit }: Body): RequestHandler[] {
  const accepted = types.map((type) => mediaTypes[type]);
  const check: RequestHandler = (req, _res, next) => {
    if (req.headers['content-length'] !== '0' && req.is(accepted) === false) {
      throw new AppError('unsupported-media-type', `The body must be ${accepted.join(' or ')}.`);
    }
    next();
  };
  const parsers = {
    json: json({ limit, type: mediaTypes.json, strict: false }),
    form: urlencoded({ limit, type: mediaTypes.form, extended: false }),
  };
  return [check, ...types.map((type) => parsers[type])];
}
