import { z } from 'zod';

/** Each may do what the ones before it may. */
export const roles = ['viewer', 'operator', 'admin'] as const;
export const roleSchema = z.enum(roles);
export type Role = z.output<typeof roleSchema>;

/** What a route asks of its caller: a role, a worker's token for the very job that it speaks of, or nothing at all. */
export type Need = Role | 'worker' | 'nobody';

/** Who is asking. Without a role it is a stranger; without a name but with a role, everybody may do everything here. */
export type Caller = {
  /** Of a token, or the e-mail address of a person. */
  name: string | null;
  role: Role | null;
  /** As the network shows it. */
  address: string | null;
};

export function needsRole(need: Need): need is Role {
  return need !== 'worker' && need !== 'nobody';
}

/** Whether the caller may use what needs this. A worker's right is no matter of roles, so here everybody may. */
export function suffices({ role }: Pick<Caller, 'role'>, need: Need): boolean {
  return !needsRole(need) || (role !== null && roles.indexOf(role) >= roles.indexOf(need));
}

/** The name of the token that comes from a file; nobody can make another one under it. */
export const bootstrapName = 'bootstrap';

/** No `@` and no space: never the e-mail address of a person, nor one of our own words for who did something. */
export const tokenNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, {
    error: 'must be 1 to 63 lower case letters, digits, ".", "_" and "-", a letter or digit first',
  })
  .refine((name) => name !== bootstrapName, { error: `must not be "${bootstrapName}", which is reserved` });

/** Who did something, as the audit log has it. */
export type Actor = Pick<Caller, 'name' | 'address'>;

/** Who works beside the service has its database in his hands; which person that is, we cannot know. */
export const commandLine: Actor = { name: 'command line', address: null };
/** What its variables make the service do by itself. */
export const serviceItself: Actor = { name: 'service itself', address: null };
