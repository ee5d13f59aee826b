/**
 * Judges a run by what was promised, what really ran and what is told of it. It knows the promise and the states by itself:
 * nothing of the code under test is imported here.
 */
import type { CreatedJob } from './api-proxy.ts';
import type { Asked } from './client.ts';
import type { ToldEvent } from './event-record.ts';
import type { LedgerEntry } from './ledger.ts';

export type Evidence = {
  asked: readonly Asked[];
  /** Every Job that the API server has ever made for us. */
  created: readonly CreatedJob[];
  ledger: readonly LedgerEntry[];
  /** The rows at the end. */
  rows: readonly { id: string; name: string; state: string }[];
  /** Each job's history, as it is told at the end. */
  histories: ReadonlyMap<string, readonly ToldEvent[]>;
  /** What a follower was told while it happened. */
  followed: readonly ToldEvent[];
};

/** One sentence for each fault, by kind. */
export type Verdict = {
  accepted: number;
  /** Promised, and not done. */
  lost: string[];
  /** Done more than once. */
  doubled: string[];
  /** Ended otherwise than it did, or a Job or a run that nobody asked for. */
  wrong: string[];
  /** A state taken back, an end that was not the last, or a history that is not what was told. */
  backwards: string[];
};

const order: Partial<Record<string, number>> = {
  QUEUED: 0,
  CREATED: 1,
  RUNNING: 2,
  SUCCEEDED: 3,
  FAILED: 3,
  CANCELLED: 3,
  LOST: 3,
};
const isEnd = (state: string) => order[state] === 3;

export function check(evidence: Evidence): Verdict {
  const { asked, rows } = evidence;
  const accepted = asked.filter(({ answers }) => answers.length > 0);
  const verdict: Verdict = { accepted: accepted.length, lost: [], doubled: [], wrong: [], backwards: [] };
  const rowsByName = Map.groupBy(rows, ({ name }) => name);
  for (const one of asked) checkOrder(one, rowsByName.get(one.name) ?? [], evidence, verdict);
  checkStrays(evidence, verdict);
  for (const row of rows) checkHistory(row, evidence, verdict);
  checkFollowed(evidence, verdict);
  return verdict;
}

function checkOrder(one: Asked, rows: Evidence['rows'], evidence: Evidence, verdict: Verdict): void {
  const { name, number, answers, outcome } = one;
  const ids = new Set(answers);
  const runs = evidence.ledger.filter((entry) => entry.number === number);
  const starts = runs.filter(({ kind }) => kind === 'start').length;
  const ends = runs.length - starts;
  const jobs = evidence.created.filter(({ jobId }) => rows.some(({ id }) => id === jobId) || ids.has(jobId));

  if (ids.size > 1) verdict.doubled.push(`${name} was answered with ${ids.size} jobs`);
  if (rows.length > 1) verdict.doubled.push(`${name} has ${rows.length} rows`);
  if (jobs.length > 1) verdict.doubled.push(`${name} has ${jobs.length} Kubernetes Jobs`);
  if (starts > 1) verdict.doubled.push(`${name} ran ${starts} times`);

  const [row] = rows;
  if (row === undefined) {
    // What was never answered may not have been heard; the rest was promised.
    if (ids.size > 0) verdict.lost.push(`${name} was accepted and is not known`);
    if (starts > 0) verdict.wrong.push(`${name} ran and is not known`);
    return;
  }
  if (ids.size > 0 && !ids.has(row.id)) verdict.lost.push(`${name} was answered with another id than it has`);
  if (jobs.length === 0) verdict.lost.push(`${name} has no Kubernetes Job`);
  if (starts === 0) verdict.lost.push(`${name} never ran`);
  if (!isEnd(row.state)) verdict.lost.push(`${name} is still ${row.state}`);
  else if (row.state !== outcome) verdict.wrong.push(`${name} is ${row.state}, and should be ${outcome}`);
  if (ends < starts) verdict.wrong.push(`${name} started ${starts} times and ended ${ends} times`);
}

function checkStrays({ created, rows, asked, ledger }: Evidence, verdict: Verdict): void {
  const ids = new Set(rows.map(({ id }) => id));
  const numbers = new Set(asked.map(({ number }) => number));
  for (const { name, jobId } of created)
    if (!ids.has(jobId)) verdict.wrong.push(`the Kubernetes Job ${name} belongs to no row`);
  for (const { number, jobId } of ledger) {
    if (!numbers.has(number)) verdict.wrong.push(`order ${number} ran, and nobody asked for it`);
    if (!ids.has(jobId)) verdict.wrong.push(`a run signed in as ${jobId}, which is no row`);
  }
}

function checkHistory(
  { id, name, state }: Evidence['rows'][number],
  evidence: Evidence,
  verdict: Verdict,
): void {
  const history = evidence.histories.get(id) ?? [];
  let last = { seq: 0, state: 'QUEUED' };
  for (const event of history) {
    const back = (order[event.state] ?? -1) < (order[last.state] ?? 4);
    const otherEnd = isEnd(last.state) && event.state !== last.state;
    if (back || otherEnd) verdict.backwards.push(`${name} went from ${last.state} to ${event.state}`);
    if (event.seq <= last.seq) verdict.backwards.push(`${name} has events out of order at ${event.seq}`);
    last = event;
  }
  if (last.state !== state)
    verdict.backwards.push(`${name} is ${state}, its history ends with ${last.state}`);
  const ends = history.filter((event, n) => isEnd(event.state) && !isEnd(history[n - 1]?.state ?? 'QUEUED'));
  if (isEnd(state) && ends.length !== 1) verdict.backwards.push(`${name} ended ${ends.length} times`);
}

/** Each end was told; and of what the follower was told, nothing was left out, told twice or out of order, or made up. */
function checkFollowed({ followed, histories, rows }: Evidence, verdict: Verdict): void {
  const ends = new Set(followed.map(({ jobId, state }) => `${jobId} ${state}`));
  for (const { id, name, state } of rows)
    if (!ends.has(`${id} ${state}`)) verdict.backwards.push(`nobody was told that ${name} is ${state}`);
  const told = new Set<number>();
  let last = 0;
  for (const { seq } of followed) {
    if (seq <= last) verdict.backwards.push(`event ${seq} was told after event ${last}`);
    told.add(seq);
    last = seq;
  }
  const kept = new Set([...histories.values()].flat().map(({ seq }) => seq));
  for (const seq of kept)
    if (seq <= last && !told.has(seq)) verdict.backwards.push(`event ${seq} was never told`);
  for (const seq of told)
    if (!kept.has(seq)) verdict.backwards.push(`event ${seq} was told, and is not kept`);
}

export function findFaults({ lost, doubled, wrong, backwards }: Verdict): string[] {
  return [
    ...lost.map((fault) => `lost: ${fault}`),
    ...doubled.map((fault) => `doubled: ${fault}`),
    ...wrong.map((fault) => `wrong: ${fault}`),
    ...backwards.map((fault) => `backwards: ${fault}`),
  ];
}
