import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { isObject, mapStrings, mergePatch, parseJson, textAt, type Json } from './json.ts';

const json = z.custom<Json>((value) => value !== undefined);
const headers = z.record(z.string(), z.string());

const streamEvent = z.object({ ms: z.number(), type: z.string(), object: json });

const step = z.object({
  note: z.string().optional(),
  ms: z.number(),
  request: z
    .object({
      method: z.string(),
      path: z.string(),
      headers: headers.optional(),
      body: json.optional(),
      rawBody: z.string().optional(),
    })
    .optional(),
  response: z
    .object({
      status: z.number(),
      headers: headers.optional(),
      body: json.optional(),
      events: z.array(streamEvent).optional(),
      chunks: z.array(z.object({ ms: z.number(), data: z.string() })).optional(),
      closedBy: z.enum(['server', 'client']).optional(),
      closedAfterMs: z.number().optional(),
    })
    .optional(),
  trimmed: z.boolean().optional(),
});

const change = z.object({
  ms: z.number(),
  type: z.string(),
  name: z.string().optional(),
  object: json.optional(),
  changed: json.optional(),
});

const recordedEvent = z.object({
  ms: z.number(),
  type: z.string(),
  reason: z.string(),
  message: z.string(),
  involvedObject: z.object({ kind: z.string(), name: z.string(), fieldPath: z.string().optional() }),
  count: z.number().optional(),
});

const file = z.object({
  about: z.string(),
  steps: z.array(step),
  watch: z
    .object({
      jobs: z.array(change).default([]),
      pods: z.array(change).default([]),
      events: z.array(z.unknown()).default([]),
    })
    .default({ jobs: [], pods: [], events: [] }),
});

export type Step = z.infer<typeof step>;
export type RecordedAnswer = NonNullable<Step['response']>;
export type StreamEvent = z.infer<typeof streamEvent>;
export type RecordedEvent = z.infer<typeof recordedEvent>;
/** One watch event with the whole object as it stood after it. */
export type Sighting = { ms: number; type: string; name: string; object: Json };
export type Recording = {
  name: string;
  steps: Step[];
  jobs: Sighting[];
  pods: Sighting[];
  events: RecordedEvent[];
};

/**
 * Reads test/golden/<name>.json. `spell` rewrites each string, so that the recorder's namespace and image become
 * those of the cluster under test; it gets the name of the field that holds the string. `withTokens: false` leaves out
 * the volume of the service account's token, and with it the lists that hold nothing else.
 */
export function loadRecording(
  name: string,
  spell: (text: string, key: string) => string,
  { withTokens = true }: { withTokens?: boolean } = {},
): Recording {
  const text = readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8');
  const spelled = mapStrings(parseJson(text), spell);
  const parsed = file.parse(withTokens ? spelled : dropTokens(spelled));
  return {
    name,
    steps: parsed.steps,
    jobs: toSightings(parsed.watch.jobs),
    pods: toSightings(parsed.watch.pods),
    events: parsed.watch.events.flatMap((event) => recordedEvent.safeParse(event).data ?? []),
  };
}

/** The recordings keep only what changed since the object's last event; bookmarks carry no object at all. */
function toSightings(changes: z.infer<typeof change>[]): Sighting[] {
  const latest = new Map<string, Json>();
  return changes.flatMap(({ ms, type, name, object, changed }) => {
    if (name === undefined) return [];
    const whole = object ?? mergePatch(latest.get(name), changed ?? {});
    latest.set(name, whole);
    return [{ ms, type, name, object: whole }];
  });
}

function dropTokens(value: Json): Json {
  if (Array.isArray(value)) return value.map(dropTokens);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => {
      if (!/^volume(s|Mounts)$/.test(key) || !Array.isArray(item)) return [[key, dropTokens(item)]];
      const others = item.filter((volume) => !textAt(volume, 'name').startsWith('kube-api-access-'));
      return others.length > 0 ? [[key, others]] : [];
    }),
  );
}
