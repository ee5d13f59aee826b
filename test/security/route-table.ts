import { z } from 'zod';

/** Every route that the service has, from its own description, which a test holds against what Express serves. */

const shapeSchema = z.looseObject({ properties: z.record(z.string(), z.looseObject({})).optional() });
type Shape = z.output<typeof shapeSchema>;
const operationSchema = z.looseObject({
  parameters: z.array(z.looseObject({ name: z.string(), in: z.string() })),
  requestBody: z
    .looseObject({ content: z.record(z.string(), z.looseObject({ schema: shapeSchema })) })
    .optional(),
});
const documentSchema = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
  components: z.looseObject({ schemas: z.record(z.string(), shapeSchema) }),
});

export type KnownRoute = {
  method: string;
  /** With `{id}` where a parameter stands. */
  path: string;
  queryNames: string[];
  headerNames: string[];
  /** The media types that it takes, and the names of the fields; null where it takes no body. */
  body: { types: string[]; fields: string[] } | null;
};

export async function readRouteTable(url: string): Promise<KnownRoute[]> {
  const answer = await fetch(`${url}/openapi.json`);
  const { paths, components } = documentSchema.parse(await answer.json());
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { parameters, requestBody }]) => {
      const namesIn = (place: string) =>
        parameters.filter((each) => each.in === place).map(({ name }) => name);
      const content = Object.entries(requestBody?.content ?? {});
      return {
        method: method.toUpperCase(),
        path,
        queryNames: namesIn('query'),
        headerNames: namesIn('header'),
        body:
          requestBody === undefined
            ? null
            : {
                types: content.map(([type]) => type),
                fields: fieldsOf(content[0]?.[1].schema, components.schemas),
              },
      };
    }),
  );
}

function fieldsOf(shape: Shape | undefined, named: Record<string, Shape>): string[] {
  const name = z.string().optional().parse(shape?.['$ref'])?.split('/').at(-1);
  return Object.keys((name === undefined ? shape : named[name])?.properties ?? {});
}
