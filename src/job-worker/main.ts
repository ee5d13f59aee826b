/**
 * The worker: a program of its own, in an image of its own, that does one unit of work and reports on it.
 *
 * Owns: the command line, the reports and their retries, the child process of `exec`, the termination message.
 * May import: the core's types, and the small packages that its image holds (ms, p-retry).
 * Never: anything else of the service. Only this file reads the environment and ends the process.
 */
import { stopSignals } from './stop-signal.ts';

const stop = new AbortController();
for (const signal of stopSignals) process.on(signal, () => stop.abort(signal));

// A reader of the output that goes away is no reason for the work to fail.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

// Only now: as the first process of a container the worker never gets a signal that comes before its listener.
const { runWorker } = await import('./run.ts');
const { argv, stdout, stderr } = process;
const env = { ...process.env };

// The exit waits for a look-up under way, 20 s or more where no name server answers. The C library reads this before its
// first one; that it asks but once is made up for by the retries. The copy above keeps it from the command of `exec`.
process.env['RES_OPTIONS'] ??= 'timeout:1 attempts:1';

// A grandchild that outlives the command, or an idle connection, must not keep the pod alive.
process.exit(await runWorker({ argv: argv.slice(2), env, stdout, stderr, stop: stop.signal }));
