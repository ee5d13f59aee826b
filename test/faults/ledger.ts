import { readFileSync } from 'node:fs';

/** A line that a running job wrote by itself. `number` is the client's own, so that the ledger needs no word of the service. */
export type LedgerEntry = { kind: 'start' | 'end'; number: number; jobId: string; podUid: string };

export type Ledger = ReturnType<typeof createLedger>;

/** What really ran, as the runs themselves put it down: one file, one small append for each line. */
export function createLedger(path: string) {
  const append = (kind: LedgerEntry['kind'], number: number) =>
    `printf '%s\\n' "${kind} ${number} $JOBSPAWN_JOB_ID $JOBSPAWN_POD_UID" >> '${path}'`;

  return {
    /** A shell script that signs in, works for a moment, signs out and exits with this code. */
    script: (number: number, { seconds, exitCode }: { seconds: number; exitCode: number }) =>
      `${append('start', number)}; sleep ${seconds}; ${append('end', number)}; exit ${exitCode}`,

    read(): LedgerEntry[] {
      return readIfThere(path)
        .split('\n')
        .filter((line) => line !== '')
        .map(parseLine);
    },
  };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // No run has signed in yet.
    return '';
  }
}

function parseLine(line: string): LedgerEntry {
  const [, kind, number, jobId = '', podUid = ''] = /^(start|end) (\d+) (\S+) (\S+)$/.exec(line) ?? [];
  if (kind !== 'start' && kind !== 'end') throw new Error(`a line of the ledger is broken: ${line}`);
  return { kind, number: Number(number), jobId, podUid };
}
