/**
 * Preloaded into a program under test (`node --import`): its wall clock, and that alone, is off by as many milliseconds as the file
 * named by CLOCK_SHIFT_FILE says, at the start and anew with each SIGUSR2. Timers and uptime go on, as when somebody sets the clock.
 */
import { readFileSync } from 'node:fs';

const RealDate = Date;
const file = process.env['CLOCK_SHIFT_FILE'] ?? '';
let shiftMs = 0;

function read(): void {
  shiftMs = Number(readFileSync(file, 'utf8'));
  console.error(`the clock is off by ${shiftMs} ms`);
}

const now = (): number => RealDate.now() + shiftMs;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: [] | [number]): Date =>
    args.length === 0 ? new target(now()) : new target(...args),
  get: (target, key): unknown => (key === 'now' ? now : Reflect.get(target, key)),
});
process.on('SIGUSR2', read);
read();
