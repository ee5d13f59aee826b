import { z } from 'zod';

const acceptedSchema = z.object({ id: z.string() });

/** Submits a job that runs `true`; its id. */
export async function submitNoOp(url: string): Promise<string> {
  const answer = await fetch(`${url}/api/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench', command: ['true'] }),
  });
  if (answer.status !== 202) throw new Error(`a job was refused: ${answer.status} ${await answer.text()}`);
  return acceptedSchema.parse(await answer.json()).id;
}

/** From POST to the event that says it succeeded, in ms, as a client of the event stream sees it. */
export async function timeNoOp(url: string): Promise<number> {
  const began = performance.now();
  const id = await submitNoOp(url);
  const stream = await fetch(`${url}/api/v1/jobs/${id}/events?follow=true`, {
    headers: { accept: 'text/event-stream' },
  });
  let text = '';
  for await (const chunk of stream.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (/"state":"(SUCCEEDED|FAILED|LOST)"/.test(text)) break;
  }
  if (!text.includes('"SUCCEEDED"')) throw new Error(`a job that does nothing did not succeed: ${text}`);
  return performance.now() - began;
}
