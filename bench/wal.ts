import { readFileSync } from 'node:fs';

const headBytes = 32;
const frameHeadBytes = 24;

/**
 * What is in a write-ahead log of SQLite: how many transactions, and how many bytes in all. A frame is a page behind a head that tells the
 * pages of the database where a transaction ends with it, and 0 elsewhere; an overwritten log has frames of an earlier round, which have
 * another salt.
 */
export function readWal(file: string): { commits: number; bytes: number } {
  const wal = readFileSync(file);
  if (wal.length < headBytes) return { commits: 0, bytes: 0 };
  const frameBytes = frameHeadBytes + wal.readUInt32BE(8);
  const salt = wal.subarray(16, 24);
  let commits = 0;
  let at = headBytes;
  for (; at + frameBytes <= wal.length; at += frameBytes) {
    if (!wal.subarray(at + 8, at + 16).equals(salt)) break;
    if (wal.readUInt32BE(at + 4) > 0) commits += 1;
  }
  return { commits, bytes: at };
}
