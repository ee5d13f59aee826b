import { Environment } from '@marcbachmann/cel-js';
import { z } from 'zod';
import { findFields, toParts } from './models.ts';
import { ofKind, only } from './rendered.ts';
import type { KubeObject } from './rendered.ts';

const named = z.object({ name: z.string(), expression: z.string() });
const policySchema = z.looseObject({
  spec: z.strictObject({
    failurePolicy: z.literal('Fail'),
    paramKind: z.object({ apiVersion: z.string(), kind: z.string() }),
    matchConstraints: z.unknown(),
    matchConditions: z.array(named),
    variables: z.array(named),
    validations: z.array(z.strictObject({ expression: z.string(), message: z.string() })),
  }),
});

/** One request for a Job, as the API server shows it to the policy. */
export type Asked = { object: unknown; params: Record<string, string>; username: string };

const simple: Record<string, string> = { string: 'string', boolean: 'bool', number: 'int' };

/**
 * The admission policy, compiled and run as the API server does it: each expression is checked against the types of a Job, made from
 * client-node's models, and variables stand for their expressions. An expression that fails to evaluate refuses, as `failurePolicy`
 * says.
 */
export function createJudge(objects: readonly KubeObject[]) {
  const { spec } = only(ofKind(objects, 'ValidatingAdmissionPolicy', policySchema));
  const environment = createEnvironment();
  const whole = (expression: string): string =>
    spec.variables.reduceRight(
      (text, variable) =>
        text.replaceAll(
          new RegExp(`\\bvariables\\.${variable.name}\\b`, 'g'),
          () => `(${variable.expression})`,
        ),
      expression,
    );
  const expressions = [...spec.matchConditions, ...spec.validations].map(({ expression }) =>
    whole(expression),
  );

  return {
    /** What is wrong with the expressions themselves; each must be a yes or no. */
    findFaults(): string[] {
      return expressions.flatMap((expression) => {
        const { valid, type, error } = environment.check(expression);
        return valid && type === 'bool' ? [] : [error?.message ?? `"${expression}" is of type ${type}`];
      });
    },

    /** The messages with which a Job is refused; none if it may be created. */
    judge({ object, params, username }: Asked): string[] {
      const context = {
        object: withIntegers(object),
        params: { data: params },
        request: { userInfo: { username } },
      };
      const isTrue = (expression: string) => {
        try {
          return environment.evaluate(whole(expression), context) === true;
        } catch {
          return false;
        }
      };
      if (!spec.matchConditions.every(({ expression }) => isTrue(expression))) return [];
      return spec.validations.filter(({ expression }) => !isTrue(expression)).map(({ message }) => message);
    },
  };
}

function createEnvironment(): Environment {
  const environment = new Environment();
  const registered = new Set<string>();

  function toCelType(type: string): string {
    const { is, of } = toParts(type);
    if (is === 'list') return `list<${toCelType(of)}>`;
    if (is === 'map') return `map<string, ${toCelType(of)}>`;
    const fields = findFields(type);
    if (fields === undefined) return simple[type] ?? 'dyn';
    if (!registered.has(type)) {
      registered.add(type);
      environment.registerType(type, {
        fields: Object.fromEntries([...fields].map(([name, field]) => [name, toCelType(field)])),
      });
    }
    return type;
  }

  return environment
    .registerVariable('object', toCelType('V1Job'))
    .registerVariable('params', toCelType('V1ConfigMap'))
    .registerVariable('request', 'dyn');
}

/** Numbers are whole ones to CEL only as BigInt. */
function withIntegers(value: unknown): unknown {
  if (typeof value === 'number') return BigInt(value);
  if (Array.isArray(value)) return value.map(withIntegers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withIntegers(each)]));
}
