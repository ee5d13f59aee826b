import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

/** What this room needs to know of a process. `startedAt` tells it from a later one with the same pid. */
type ProcessFacts = { pid: number; session: number; startedAt: string; dead: boolean };

const linux = process.platform === 'linux';

/** The clock ticks in /proc count from the boot, so that the boot belongs to a process's identity. */
const bootId = linux ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() : '';

function findFactsInProc(pid: number): ProcessFacts | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The second field is the program's name, which may hold spaces and parentheses.
  const [state, , , session, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    session: Number(session),
    startedAt: `${bootId}/${rest[15]}`,
    dead: state === 'Z' || state === 'X',
  };
}

/** Without /proc, ps tells the process group; a job's shell puts its children there unless it is interactive. */
function readFactsWithPs(...selection: string[]): ProcessFacts[] {
  let table: string;
  try {
    table = execFileSync('ps', ['-o', 'pid=,pgid=,stat=,lstart=', ...selection], { encoding: 'utf8' });
  } catch {
    return [];
  }
  return table
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [pid, group, state = '', ...startedAt] = line.trim().split(/\s+/);
      return {
        pid: Number(pid),
        session: Number(group),
        startedAt: startedAt.join(' '),
        dead: state.startsWith('Z'),
      };
    });
}

function findFacts(pid: number): ProcessFacts | undefined {
  return linux ? findFactsInProc(pid) : readFactsWithPs('-p', String(pid))[0];
}

function readAllFacts(): ProcessFacts[] {
  if (!linux) return readFactsWithPs('-A');
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => findFactsInProc(Number(name)))
    .filter((facts) => facts !== undefined);
}

/** When the process was started, as a string to compare; undefined when there is none (a zombie is none). */
export function findStartTime(pid: number): string | undefined {
  const facts = findFacts(pid);
  return facts === undefined || facts.dead ? undefined : facts.startedAt;
}

/** The living processes of the session that this process leads or led. */
export function listSession(leader: number): number[] {
  return readAllFacts()
    .filter(({ session, dead }) => session === leader && !dead)
    .map(({ pid }) => pid);
}

/** Sends a signal, unless there is no such process any more. A negative pid means its process group. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already: what the signal was for.
  }
}

/**
 * SIGKILLs every process of the session. Looks again until it finds nobody new, since a process may fork while its
 * siblings are being killed. A process that has made a session of its own has left, and is not found.
 */
export function killSession(leader: number): void {
  sendSignal(-leader, 'SIGKILL');
  const killed = new Set<number>();
  for (let survivors = listSession(leader); survivors.length > 0;) {
    for (const pid of survivors) sendSignal(pid, 'SIGKILL');
    for (const pid of survivors) killed.add(pid);
    survivors = listSession(leader).filter((pid) => !killed.has(pid));
  }
}
