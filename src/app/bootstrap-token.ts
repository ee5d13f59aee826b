import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Store } from '../store/store.ts';
import { ConfigError } from './config.ts';
import { codeOf } from './error-code.ts';

const leastCharacters = 32;

/**
 * Lets in who has the secret of the file. Without a token nobody may come in, and that counts as configured; so the log says how to make
 * one. Throws ConfigError.
 */
export function keepFirstAdmin(
  file: string | undefined,
  { store, log }: { store: Pick<Store, 'keepBootstrapToken'>; log: Pick<Logger, 'warn'> },
): void {
  const outcome = store.keepBootstrapToken(file === undefined ? null : readBootstrapToken(file));
  if (file === undefined) return;
  if (outcome.kind === 'absent') {
    log.warn(
      { file },
      'BOOTSTRAP_TOKEN_FILE is not there; make tokens with "node src/app/cli.ts token create"',
    );
  }
  if (outcome.kind === 'revoked') {
    log.warn(
      { file },
      'the token of BOOTSTRAP_TOKEN_FILE was revoked by hand and opens nothing; another content makes a new one',
    );
  }
  // Two names for one secret: nobody could say whose deeds the audit log tells of, and a viewer would have become an admin.
  if (outcome.kind === 'taken') {
    throw new ConfigError([
      `BOOTSTRAP_TOKEN_FILE ${file} holds the secret of the token "${outcome.by}"; it must be one of its own, such as \`openssl rand -hex 32\` prints.`,
    ]);
  }
}

/**
 * The secret in the file, as a Secret's volume shows it; null when there is no file, as when nobody has made the Secret. One that is
 * there and cannot be read is a fault, or it would pass for one that was taken away. The text itself is told to nobody.
 */
function readBootstrapToken(path: string): string | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return null;
    throw new ConfigError([
      `BOOTSTRAP_TOKEN_FILE ${path} cannot be read${code === undefined ? '' : ` (${code})`}.`,
    ]);
  }
  const secret = text.trim();
  if (secret.length >= leastCharacters && /^[\x21-\x7e]+$/.test(secret)) return secret;
  throw new ConfigError([
    `BOOTSTRAP_TOKEN_FILE ${path} must hold one token of at least ${leastCharacters} visible ASCII characters without spaces, such as \`openssl rand -hex 32\` prints.`,
  ]);
}
