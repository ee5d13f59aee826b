import type { RequestHandler } from 'express';
import helmet, { strictTransportSecurity } from 'helmet';

/** Nothing inline, nothing from elsewhere, no frames: a script in a name, a report or a log line stays text. */
const directives = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'connect-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'form-action': ["'self'"],
  'base-uri': ["'none'"],
  'frame-ancestors': ["'none'"],
};

const always = helmet({
  contentSecurityPolicy: { useDefaults: false, directives },
  referrerPolicy: { policy: 'no-referrer' },
  xFrameOptions: { action: 'deny' },
  strictTransportSecurity: false,
});

/** Of this host alone: what its neighbours under the same domain do is not ours to say. */
const onlyHttps = strictTransportSecurity({ maxAge: 365 * 24 * 60 * 60, includeSubDomains: false });

const unstored: RequestHandler = (_req, res, next) => {
  // Files say otherwise themselves.
  res.set('Cache-Control', 'no-store');
  next();
};

/** Said over plain http it would mean nothing; behind a proxy that ends TLS, the proxy must be a trusted one to be believed. */
const secureTransport: RequestHandler = (req, res, next) => {
  if (req.secure) onlyHttps(req, res, next);
  else next();
};

/** On every answer, refusals and files among them. */
export const securityHeaders: RequestHandler[] = [always, secureTransport, unstored];
