import { existsSync, readFileSync } from 'node:fs';
import { ConfigError } from './config.ts';

const leastCharacters = 32;

/**
 * The secret in the file, as a Secret's volume shows it; null when there is no file, as when nobody has made the Secret.
 * Throws ConfigError; the text itself is told to nobody.
 */
export function readBootstrapToken(path: string): string | null {
  if (!existsSync(path)) return null;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new ConfigError([`BOOTSTRAP_TOKEN_FILE ${path} cannot be read${code}.`]);
  }
  const secret = text.trim();
  if (secret.length >= leastCharacters && /^[\x21-\x7e]+$/.test(secret)) return secret;
  throw new ConfigError([
    `BOOTSTRAP_TOKEN_FILE ${path} must hold one token of at least ${leastCharacters} visible ASCII characters without spaces, such as \`openssl rand -hex 32\` prints.`,
  ]);
}
