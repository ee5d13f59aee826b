import { listAt, textAt, type Json } from './json.ts';

/** What kubectl prints of a refusal (cmd/util/helpers.go). What it words itself is not told. */
export function toKubectlWords(status: Json): string | undefined {
  const [reason, message] = [textAt(status, 'reason'), textAt(status, 'message')];
  if (reason === 'Invalid') return invalidWords(status, message);
  if (textAt(status, 'kind') !== 'Status') return undefined;
  if (reason === 'Unauthorized') return `error: You must be logged in to the server (${message})`;
  return `Error from server${reason && ` (${reason})`}: ${message}`;
}

function invalidWords(status: Json, message: string): string {
  const [kind, name] = [textAt(status, 'details', 'kind'), textAt(status, 'details', 'name')];
  const causes = new Set(
    listAt(status, 'details', 'causes').map(
      (cause) => `${textAt(cause, 'field')}: ${textAt(cause, 'message')}`,
    ),
  );
  const isNamed = kind !== '' || name !== '';
  const title = isNamed ? `The ${kind} ${JSON.stringify(name)} is invalid` : 'The request is invalid';
  const [only, ...more] = causes;
  if (only === undefined) return isNamed ? title : `${title}: ${message}`;
  return more.length === 0
    ? `${title}: ${only}`
    : [`${title}: `, ...[...causes].map((cause) => `* ${cause}`)].join('\n');
}
