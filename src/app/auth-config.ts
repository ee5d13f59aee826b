import { resolve } from 'node:path';
import { z } from 'zod';
import type { Exposure } from './exposure.ts';
import { findOidcFaults, oidcVariables, toOidcConfig } from './oidc-config.ts';
import type { OidcConfig } from './oidc-config.ts';

/** Who is let in: everybody, or who shows a token. */
export type Auth =
  | {
      kind: 'none';
      /** Where others than this machine are everybody too: every page says so, and the log says why. */
      exposure: Exposure | undefined;
    }
  | {
      kind: 'token';
      bootstrapTokenFile: string | undefined;
      /** Whether browsers come over https, as PUBLIC_URL says: we may be behind a proxy that ends TLS. */
      isHttps: boolean;
      oidc: OidcConfig | undefined;
    };

export const authVariables = {
  AUTH: z.enum(['none', 'token'], { error: 'must be one of none, token' }).optional(),
  ALLOW_UNAUTHENTICATED: z.literal('yes', { error: 'must be yes, or left out' }).optional(),
  BOOTSTRAP_TOKEN_FILE: z.string().optional(),
  ...oidcVariables,
};
const authSchema = z.object(authVariables);
type AuthVariables = z.output<typeof authSchema>;

/**
 * One sentence for each contradiction. Whoever listens beyond this machine must have said who may come in; behind a proxy, which may
 * ask for a login of its own, it is a warning (start-app.ts).
 */
export function findAuthFaults(variables: AuthVariables, exposure: Exposure | undefined): string[] {
  const { AUTH, ALLOW_UNAUTHENTICATED, BOOTSTRAP_TOKEN_FILE, OIDC_ISSUER } = variables;
  const isToken = AUTH === 'token';
  const isOpen = !isToken && !(AUTH === 'none' && ALLOW_UNAUTHENTICATED === 'yes');
  return [
    ...(isOpen && exposure?.by === 'address'
      ? [
          `AUTH must be token when ${exposure.because}; to let everybody in, say AUTH=none and ALLOW_UNAUTHENTICATED=yes.`,
        ]
      : []),
    ...(ALLOW_UNAUTHENTICATED !== undefined && AUTH !== 'none'
      ? ['ALLOW_UNAUTHENTICATED needs AUTH=none beside it.']
      : []),
    ...(!isToken && BOOTSTRAP_TOKEN_FILE !== undefined ? ['BOOTSTRAP_TOKEN_FILE needs AUTH=token.'] : []),
    ...(!isToken && OIDC_ISSUER !== undefined ? ['OIDC_ISSUER needs AUTH=token.'] : []),
    ...findOidcFaults(variables),
  ];
}

export function toAuth(
  variables: AuthVariables & { PUBLIC_URL?: string | undefined },
  exposure: Exposure | undefined,
): Auth {
  const { AUTH, BOOTSTRAP_TOKEN_FILE, PUBLIC_URL } = variables;
  if (AUTH !== 'token') return { kind: 'none', exposure };
  return {
    kind: 'token',
    bootstrapTokenFile: BOOTSTRAP_TOKEN_FILE === undefined ? undefined : resolve(BOOTSTRAP_TOKEN_FILE),
    isHttps: /^https:/i.test(PUBLIC_URL ?? ''),
    oidc: toOidcConfig(variables),
  };
}
