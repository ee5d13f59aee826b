import { z } from 'zod';
import { roleSchema } from '../core/access.ts';
import type { Role } from '../core/access.ts';

/** Whose tokens are taken, and from whom. */
export type OidcConfig = {
  issuer: string;
  audience: string;
  /** By e-mail address, in lower case. */
  people: ReadonlyMap<string, Role>;
};

const loopbackHosts = ['127.0.0.1', 'localhost', '[::1]'];

/** Keys that came unprotected could be anybody's; on this machine there is nobody in between. */
export function isTrustworthyUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || (protocol === 'http:' && loopbackHosts.includes(hostname));
}

const personSchema = z
  .string()
  .transform((text) => text.split('=').map((part) => part.trim()))
  .pipe(z.tuple([z.email().transform((email) => email.toLowerCase()), roleSchema]));

const peopleSchema = z
  .string()
  .transform((text) => text.split(','))
  .pipe(z.array(personSchema));

/** Of two roles one would be taken, and nobody sees which. */
function hasEachOnce(people: z.output<typeof peopleSchema>): boolean {
  return new Set(people.map(([email]) => email)).size === people.length;
}

export const oidcVariables = {
  OIDC_ISSUER: z.string().refine(isTrustworthyUrl, { error: 'must be an https URL' }).optional(),
  OIDC_AUDIENCE: z.string().optional(),
  OIDC_ALLOWED_EMAILS: z
    .string()
    .refine((text) => peopleSchema.safeParse(text).success, {
      error:
        'must be e-mail addresses with their roles, such as ada@example.com=operator, separated by commas',
      abort: true,
    })
    .refine((text) => hasEachOnce(peopleSchema.parse(text)), { error: 'must name nobody twice' })
    .optional(),
};
const variablesSchema = z.object(oidcVariables);
type OidcVariables = z.output<typeof variablesSchema>;
const names = ['OIDC_ISSUER', 'OIDC_AUDIENCE', 'OIDC_ALLOWED_EMAILS'] as const;

/** One sentence for each that is missing beside the others. */
export function findOidcFaults(variables: OidcVariables): string[] {
  const given = names.filter((name) => variables[name] !== undefined);
  if (given.length === 0) return [];
  const missing = names.filter((name) => !given.includes(name));
  return missing.map((name) => `${name} must be set beside ${given.join(' and ')}.`);
}

/** undefined where tokens of no issuer are taken. */
export function toOidcConfig(variables: OidcVariables): OidcConfig | undefined {
  const { OIDC_ISSUER, OIDC_AUDIENCE, OIDC_ALLOWED_EMAILS } = variables;
  if (OIDC_ISSUER === undefined || OIDC_AUDIENCE === undefined || OIDC_ALLOWED_EMAILS === undefined)
    return undefined;
  return {
    issuer: OIDC_ISSUER,
    audience: OIDC_AUDIENCE,
    people: new Map(peopleSchema.parse(OIDC_ALLOWED_EMAILS)),
  };
}
