import { readFileSync } from 'node:fs';
import { types } from 'node:util';
import { ConfigError } from './config.ts';

/** Where a line says only this, the key that the database made for itself is meant. */
const ofDatabase = 'database';
const shortest = 32;

/**
 * The keys of job tokens, the one that signs first: the lines of the file, or, without a file, the database's own. Throws ConfigError,
 * which never quotes what the file holds.
 */
export function readReportKeys(path: string | undefined, databaseKey: () => Buffer): [Buffer, ...Buffer[]] {
  if (path === undefined) return [databaseKey()];
  const lines = readLines(path);
  const short = lines.findIndex((line) => line !== ofDatabase && line.length < shortest);
  if (short >= 0) throw refusal(path, `has a key of less than ${shortest} characters (the ${short + 1}.)`);
  // A comment is long enough for a key, and can be guessed.
  const odd = lines.findIndex((line) => /^#|\s/.test(line));
  if (odd >= 0) throw refusal(path, `has a line with "#" in front or spaces in it (the ${odd + 1}.)`);
  const [first, ...rest] = lines.map((line) => (line === ofDatabase ? databaseKey() : Buffer.from(line)));
  if (first === undefined) throw refusal(path, 'holds no key');
  return [first, ...rest];
}

function readLines(path: string): string[] {
  try {
    const lines = readFileSync(path, 'utf8').split('\n');
    return lines.map((line) => line.trim()).filter((line) => line !== '');
  } catch (error) {
    throw refusal(path, `cannot be read (${types.isNativeError(error) ? error.message : String(error)})`);
  }
}

function refusal(path: string, why: string): ConfigError {
  return new ConfigError([
    `REPORT_KEY_FILE: ${path} ${why}. It must have a key in each line and nothing else, as "openssl rand -base64 32" makes them.`,
  ]);
}
