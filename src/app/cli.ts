/**
 * `npm run jobspawn -- COMMAND`, and `node src/app/cli.ts COMMAND` in a pod: what is done beside the running service, on its database.
 * The exit code is 0, 1 when it could not be done (one sentence says why) or the doctor found a fault, or 78 for a wrong call or variable.
 */
import { Command, CommanderError } from 'commander';
import { createAuditCommands } from './audit-commands.ts';
import { createDoctorCommand } from './doctor-command.ts';
import { configurationFault, tellFault } from './exit-code.ts';
import { createTokenCommands } from './token-commands.ts';

const program = new Command('jobspawn')
  .description('Looks after a Jobspawn service from beside it.')
  .exitOverride()
  .addCommand(createTokenCommands(process.env))
  .addCommand(createAuditCommands(process.env))
  .addCommand(createDoctorCommand(process.env));

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = toExitCode(error);
}

/** Commander has said by itself what was wrong with the call. */
function toExitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : configurationFault;
  return tellFault(error);
}
