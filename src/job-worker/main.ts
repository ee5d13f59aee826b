/**
 * The worker: a program of its own, in an image of its own, that does one unit of work and reports on it.
 *
 * Owns: the command line, the reports and their retries, the child process of `exec`, the termination message.
 * May import: the core's types, and the small packages that its image holds (ms, p-retry).
 * Never: anything else of the service. Only this file reads the environment and ends the process.
 */
import { runWorker } from './run.ts';
import { stopSignals } from './stop-signal.ts';

const stop = new AbortController();
for (const signal of stopSignals) process.on(signal, () => stop.abort(signal));

// A reader of the output that goes away is no reason for the work to fail.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const { argv, env, stdout, stderr } = process;
// A grandchild that outlives the command, or an idle connection, must not keep the pod alive.
process.exit(await runWorker({ argv: argv.slice(2), env, stdout, stderr, stop: stop.signal }));
