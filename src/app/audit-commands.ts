import type { Command } from 'commander';
import { command, withAccessStore } from './command.ts';
import type { Environment } from './command.ts';

const pageSize = 1000;

/** `audit export`. */
export function createAuditCommands(environment: Environment): Command {
  const exportAll = command('export')
    .description('print the audit log as JSON, one entry a line, oldest first')
    .action(() =>
      withAccessStore(environment, (store) => {
        let page = store.listAudit({ after: 0, limit: pageSize });
        while (page.length > 0) {
          console.log(page.map((entry) => JSON.stringify(entry)).join('\n'));
          page = store.listAudit({ after: page.at(-1)?.seq ?? 0, limit: pageSize });
        }
      }),
    );
  return command('audit').description('who did what').addCommand(exportAll);
}
