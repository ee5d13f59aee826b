import type { IncomingMessage, ServerResponse } from 'node:http';
import { createInterface } from 'node:readline';
import { toStatus } from './false-answer.ts';
import type { Action } from './fault-rules.ts';

/** Passes on a watch or a followed log line by line, until either side goes away or the fault strikes. */
export async function pourStream(
  from: IncomingMessage,
  to: ServerResponse,
  action: Action | undefined,
): Promise<void> {
  const fault = toStreamFault(action);
  let isSilent = false;
  let timer: NodeJS.Timeout | undefined;
  to.once('close', () => {
    clearTimeout(timer);
    from.destroy();
  });

  function strike(): void {
    clearTimeout(timer);
    if (fault?.kind === 'cut') to.socket?.resetAndDestroy();
    else if (fault?.kind === 'error-event') to.end(`{"type":"ERROR","object":${toStatus(fault.with)}}\n`);
    // Half-open: the connection stays, and nothing comes any more, not even the end.
    else isSilent = true;
  }

  if (fault?.afterMs !== undefined) timer = setTimeout(strike, fault.afterMs);
  if (fault?.afterEvents === 0) strike();
  let events = 0;
  for await (const line of createInterface({ input: from })) {
    if (isSilent || to.destroyed || to.writableEnded) continue;
    to.write(`${line}\n`);
    events += 1;
    if (events === fault?.afterEvents) strike();
  }
  if (!isSilent) to.end();
}

function toStreamFault(action: Action | undefined) {
  switch (action?.kind) {
    case 'cut':
    case 'fall-silent':
    case 'error-event':
      return action;
    default:
      return undefined;
  }
}
