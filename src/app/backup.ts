/**
 * `npm run backup -- FILE`: copies the database of `DATABASE_PATH` into a new file while the service runs, see docs/operations.md.
 */
import { resolve } from 'node:path';
import { AppError } from '../core/app-error.ts';
import { backUp } from '../store/backup.ts';
import { parseDatabasePath } from './config.ts';
import { configurationFault, tellFault } from './exit-code.ts';

const stopped = new AbortController();
const stop = () => stopped.abort(new AppError('unavailable', 'The backup was broken off.'));
process.once('SIGINT', stop);
process.once('SIGTERM', stop);

const [file, ...rest] = process.argv.slice(2);
if (file === undefined || file.startsWith('-') || rest.length > 0) {
  console.error('Usage: npm run backup -- FILE');
  process.exitCode = configurationFault;
} else {
  await run(resolve(file));
}

async function run(to: string): Promise<void> {
  try {
    const from = parseDatabasePath(process.env);
    const { bytes, jobs } = await backUp({ from, to, clock: () => new Date(), signal: stopped.signal });
    console.log(`${to}: ${(bytes / 1024 / 1024).toFixed(1)} MiB, ${jobs} ${jobs === 1 ? 'job' : 'jobs'}`);
  } catch (error) {
    process.exitCode = tellFault(error);
  }
}
