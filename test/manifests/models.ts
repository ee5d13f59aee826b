import * as kubernetes from '@kubernetes/client-node';
import { z } from 'zod';

/** A field's type in the notation of client-node's models: `string`, `Array<V1Container>`, `{ [key: string]: string; }`. */
type Fields = ReadonlyMap<string, string>;

const modelSchema = z
  .custom<object>((value) => typeof value === 'function')
  .transform((value): unknown => Reflect.get(value, 'attributeTypeMap'))
  .pipe(z.array(z.object({ baseName: z.string(), type: z.string() })));

const known = new Map<string, Fields | undefined>();

/** The fields of a model, or undefined where the name is that of no model. */
export function findFields(model: string): Fields | undefined {
  if (!known.has(model)) {
    const parsed = modelSchema.safeParse(Reflect.get(kubernetes, model));
    known.set(
      model,
      parsed.success ? new Map(parsed.data.map(({ baseName, type }) => [baseName, type])) : undefined,
    );
  }
  return known.get(model);
}

/** `Array<V1Container>` is a list of V1Container. */
export function toParts(type: string): { is: 'list' | 'map' | 'one'; of: string } {
  const list = /^(?:Array|Set)<(.+)>$/.exec(type)?.[1];
  if (list !== undefined) return { is: 'list', of: list };
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1];
  return map === undefined ? { is: 'one', of: type } : { is: 'map', of: map };
}

/** The places of fields that Kubernetes does not have; the server would refuse them, or worse, drop them. */
export function findUnknownFields(type: string, value: unknown, place = ''): string[] {
  const { is, of } = toParts(type);
  if (is === 'list')
    return entriesOf(value).flatMap(([at, each]) => findUnknownFields(of, each, `${place}/${at}`));
  if (is === 'map')
    return entriesOf(value).flatMap(([at, each]) => findUnknownFields(of, each, `${place}/${at}`));
  const fields = findFields(of);
  if (fields === undefined) return [];
  return entriesOf(value).flatMap(([name, each]) => {
    const field = fields.get(name);
    return field === undefined ? [`${place}/${name}`] : findUnknownFields(field, each, `${place}/${name}`);
  });
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}
