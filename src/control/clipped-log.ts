import { createLogClip } from '../store/log-clip.ts';

/**
 * What is kept of a log, read in bounded memory however long it is. With a `limit`, what was read when it aborted is the
 * answer, and no error.
 */
export async function readClipped(
  chunks: AsyncIterable<Buffer>,
  { limit, onBytes }: { limit?: AbortSignal; onBytes?: () => void } = {},
): Promise<Buffer> {
  const clip = createLogClip();
  try {
    for await (const chunk of chunks) {
      onBytes?.();
      clip.push(chunk);
    }
  } catch (error) {
    if (limit?.aborted !== true) throw error;
  }
  return clip.toBuffer();
}
