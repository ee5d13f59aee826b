import type { ResourceName } from '../objects.ts';
import type { TimePrecision } from './go-time.ts';

/** A field's type, as client-node's models state it. */
export type FieldType =
  | { is: 'string' | 'boolean' | 'quantity' | 'intOrString' | 'anything' }
  | { is: 'time'; precision: TimePrecision }
  | { is: 'number'; format: 'int32' | 'int64' | 'double' }
  | { is: 'list' | 'map'; of: FieldType }
  | { is: 'object'; name: string };

/** Fields of one model by their name in JSON. */
export type ObjectSchema = ReadonlyMap<string, FieldType>;

type Attribute = { baseName: string; type: string; format: string };

const isAttribute = (value: unknown): value is Attribute =>
  typeof value === 'object' && value !== null && 'baseName' in value && 'type' in value && 'format' in value;

const schemas = new Map<string, ObjectSchema>();

// Quantities are plain strings in the OpenAPI document; only these maps and fields hold them.
const quantityMaps = new Set(['limits', 'requests', 'allocatedResources', 'capacity', 'overhead']);
const quantityFields = new Set(['divisor', 'sizeLimit']);

function toFieldType(attribute: Attribute): FieldType {
  const { type, format, baseName } = attribute;
  const list = /^(?:Array|Set)<(.+)>$/.exec(type)?.[1];
  if (list !== undefined) return { is: 'list', of: toFieldType({ ...attribute, type: list }) };
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1];
  if (map !== undefined) {
    return {
      is: 'map',
      of: quantityMaps.has(baseName) ? { is: 'quantity' } : toFieldType({ ...attribute, type: map }),
    };
  }
  if (type === 'string') return { is: quantityFields.has(baseName) ? 'quantity' : 'string' };
  if (type === 'boolean') return { is: 'boolean' };
  if (type === 'Date') return { is: 'time', precision: 'seconds' };
  if (type === 'V1MicroTime') return { is: 'time', precision: 'microseconds' };
  if (type === 'IntOrString') return { is: 'intOrString' };
  if (type === 'number')
    return { is: 'number', format: format === 'int64' || format === 'double' ? format : 'int32' };
  return /^[A-Z]/.test(type) ? { is: 'object', name: type } : { is: 'anything' };
}

function namesIn(type: FieldType): string[] {
  if (type.is === 'object') return [type.name];
  return type.is === 'list' || type.is === 'map' ? namesIn(type.of) : [];
}

async function attributesOf(name: string): Promise<Attribute[]> {
  // Only the models that Jobs, pods, namespaces and Events reach: all of client-node would cost some 30 MB of memory.
  const module: unknown = await import(`@kubernetes/client-node/dist/gen/models/${name}.js`);
  const model: unknown =
    typeof module === 'object' && module !== null ? Reflect.get(module, name) : undefined;
  const attributes: unknown =
    typeof model === 'function' ? Reflect.get(model, 'attributeTypeMap') : undefined;
  if (!Array.isArray(attributes)) throw new Error(`@kubernetes/client-node has no model ${name}`);
  return attributes.filter(isAttribute);
}

async function load(name: string): Promise<void> {
  if (schemas.has(name)) return;
  const fields = new Map<string, FieldType>();
  schemas.set(name, fields);
  for (const attribute of await attributesOf(name)) fields.set(attribute.baseName, toFieldType(attribute));
  await Promise.all([...fields.values()].flatMap(namesIn).map(load));
}

/** What comes in a body: the resources, and what is said with a DELETE. */
export type Root = ResourceName | 'deleteOptions';

const roots: Record<Root, string> = {
  jobs: 'V1Job',
  pods: 'V1Pod',
  namespaces: 'V1Namespace',
  events: 'CoreV1Event',
  deleteOptions: 'V1DeleteOptions',
};
await Promise.all(Object.values(roots).map(load));

export const rootSchema = (root: Root): string => roots[root];

export function schemaOf(name: string): ObjectSchema {
  const schema = schemas.get(name);
  if (schema === undefined) throw new Error(`no schema ${name}`);
  return schema;
}

/** The name of the struct in Go: `V1JobSpec` is `JobSpec`. */
export const goName = (name: string): string => name.replace(/^(?:Core|Batch)?V1/, '');
