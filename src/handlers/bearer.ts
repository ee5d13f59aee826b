import type { Request } from 'express';

/** The token of `Authorization: Bearer`, if that is what the header holds. */
export function bearerOf(req: Request): string | undefined {
  return /^Bearer +([^ ]+) *$/i.exec(req.get('Authorization') ?? '')?.[1];
}
