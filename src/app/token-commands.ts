import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { commandLine, roleSchema, roles, tokenNameSchema } from '../core/access.ts';
import type { Token } from '../store/tokens.ts';
import { command, withAccessStore } from './command.ts';
import type { Environment } from './command.ts';
import { toTextTable } from './text-table.ts';

/** `token create`, `token list`, `token revoke`. */
export function createTokenCommands(environment: Environment): Command {
  const create = command('create')
    .description('make a token; its secret is printed once, and kept nowhere')
    .requiredOption('--name <name>', 'whose it is, for good', parseName)
    .addOption(new Option('--role <role>', 'what it may do').choices(roles).makeOptionMandatory())
    .action(({ name, role }: { name: string; role: string }) => {
      withAccessStore(environment, (store) =>
        console.log(store.createToken({ name, role: roleSchema.parse(role), by: commandLine }).secret),
      );
    });

  const list = command('list')
    .description('show all tokens that there are or were')
    .action(() => withAccessStore(environment, (store) => console.log(toTable(store.listTokens()))));

  const revoke = command('revoke')
    .description('end a token, and what was logged in with it, at once')
    .argument('<name>')
    .action((name: string) =>
      withAccessStore(environment, (store) => store.revokeToken(name, { by: commandLine })),
    );

  const commands = command('token').description('tokens of people and programs');
  for (const each of [create, list, revoke]) commands.addCommand(each);
  return commands;
}

function parseName(name: string): string {
  const parsed = tokenNameSchema.safeParse(name);
  if (parsed.success) return name;
  throw new InvalidArgumentError(`It ${parsed.error.issues[0]?.message ?? 'is no name of a token'}.`);
}

function toTable(tokens: readonly Token[]): string {
  const rows = tokens.map(({ name, role, createdAt, lastUsedAt, revokedAt }) => [
    name,
    role,
    toDay(createdAt),
    lastUsedAt === null ? '-' : toHour(lastUsedAt),
    revokedAt === null ? '-' : toDay(revokedAt),
  ]);
  return toTextTable([['NAME', 'ROLE', 'CREATED', 'LAST USED', 'REVOKED'], ...rows]);
}

function toDay(time: string): string {
  return time.slice(0, 10);
}

/** No finer than it is noted. */
function toHour(time: string): string {
  return `${time.slice(0, 13).replace('T', ' ')}h`;
}
