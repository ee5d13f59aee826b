import { z } from 'zod';

/**
 * The parameters that the library's methods take, by kind of call, read from the text of a query. One that is not among
 * them cannot be sent.
 */

const text = z.string().optional();
const whole = z
  .string()
  .regex(/^-?\d+$/)
  .transform(Number)
  .optional();
const flag = z
  .enum(['true', 'false'])
  .transform((value) => value === 'true')
  .optional();

export const none = z.strictObject({});
export const read = z.strictObject({ pretty: text });
export const list = z.strictObject({
  pretty: text,
  allowWatchBookmarks: flag,
  _continue: text,
  fieldSelector: text,
  labelSelector: text,
  limit: whole,
  resourceVersion: text,
  resourceVersionMatch: text,
  sendInitialEvents: flag,
  timeoutSeconds: whole,
  watch: flag,
});
export const write = z.strictObject({
  pretty: text,
  dryRun: text,
  fieldManager: text,
  fieldValidation: text,
});
export const patch = write.extend({ force: flag });
export const remove = z.strictObject({
  pretty: text,
  dryRun: text,
  gracePeriodSeconds: whole,
  propagationPolicy: text,
});
export const removeAll = list.omit({ allowWatchBookmarks: true, watch: true }).extend(remove.shape);
// To follow is not among them: a cut of the stream ends the whole process (kubernetes-client/javascript).
export const log = z.strictObject({
  container: text,
  limitBytes: whole,
  pretty: text,
  previous: flag,
  sinceSeconds: whole,
  stream: text,
  tailLines: whole,
  timestamps: flag,
});
