import { errors, jwtVerify } from 'jose';
import { z } from 'zod';
import type { Role } from '../core/access.ts';
import { createIssuerKeys } from './issuer-keys.ts';
import type { OidcConfig } from './oidc-config.ts';

/** Signatures by a private key alone. With `none` or a shared secret (HS256) whoever knows the public key could sign. */
const algorithms = ['RS256', 'ES256'];
/** How far the clocks of two machines may be apart. */
const leewaySeconds = 30;
/** Issuers give an hour; a token that says of itself that it lives for years is not for this. */
const oldestSeconds = 24 * 60 * 60;

const claimsSchema = z.object({
  email: z.string().transform((email) => email.toLowerCase()),
  // Else the address is what somebody typed.
  email_verified: z.literal(true),
});

export type FindPerson = (jwt: string) => Promise<{ name: string; role: Role } | undefined>;

/**
 * Who shows an ID token of the configured issuer: Cloud Scheduler, Pub/Sub, or a person. undefined for anything else, and for who is not
 * on the list; rejects with AppError `unavailable` when nobody can tell.
 */
export function createOidc(
  { issuer, audience, people }: OidcConfig,
  { clock, cooldownMs, freshMs }: { clock: () => Date; cooldownMs?: number; freshMs?: number },
): FindPerson {
  const keys = createIssuerKeys({ issuer, clock, cooldownMs, freshMs });
  return async (jwt) => {
    try {
      const { payload } = await jwtVerify(jwt, keys, {
        issuer,
        audience,
        algorithms,
        clockTolerance: leewaySeconds,
        maxTokenAge: oldestSeconds,
        requiredClaims: ['exp', 'iat', 'email'],
        currentDate: clock(),
      });
      const claims = claimsSchema.safeParse(payload);
      if (!claims.success) return undefined;
      const { email } = claims.data;
      const role = people.get(email);
      return role === undefined ? undefined : { name: email, role };
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  };
}
