import { toShort, toWords } from './figure-table.ts';
import type { Figure } from './figures.ts';

const rare =
  'the index holds a list of jobs for each three letters, and those lists grow with the number of jobs';

/** What stands in the way of goals that are out of reach; docs/performance.md has the profiles behind it. */
export const obstacles: Readonly<Record<string, string>> = {
  accept:
    'the rows of a job, its history and the audit log take SQLite some 36 us, nearly as much as bare Express takes for the whole request',
  report:
    'its transaction (a claim, a report, an event, the job itself) takes longer than all that bare Express does for a request',
  'start/live':
    'each of 10,000 looks is news, and takes some 0.25 ms of the core to be stored; where nobody else uses the machine it took 2.4 s',
  'memory/after':
    'what work needs at all is taken from the system once and kept; from half-way on nothing grows, as memory/after/half shows',
  local:
    'besides its process, a job is an accept, a claim, a create, 19 changes in the local cluster and 13 entries of history, on one thread',
  'local/bulk': 'as for one job alone, and the one thread is fully used',
  log: 'taking the times off 800,000 lines fills the core; where nobody else uses the machine it just reaches the goal',
  'list/rare@100k': rare,
  'list/rare@1M': rare,
  dispatch:
    'each Job is also a claim, an outcome and what the watch tells, durably; that is some 0.5 ms of a core more than the goal leaves',
  mixed:
    'all of it goes through one thread and one disk and nearly fills them, so that an accept waits for its turn',
};

/** The end of a run: that all goals are met or, for each that is not, by how much it is missed and what stands in the way. */
export function toVerdict(figures: readonly Figure[]): string[] {
  const missed = figures.flatMap(({ name, ours, ratio, goal, met }) => {
    if (goal === null || met !== false) return [];
    const value = goal.of === 'ratio' ? ratio : ours;
    const is = value === null ? 'nothing' : toShort(value);
    const why = obstacles[name] ?? 'not known to be out of reach; on a machine that others use, try again';
    return [`  ${name} is ${is}, and should be ${toWords(goal)}: ${why}`];
  });
  return missed.length === 0 ? ['Every goal is met.'] : ['Not met:', ...missed];
}
