import type { ServerResponse } from 'node:http';

/** `object` is JSON. */
export type Told = { type: string; uid: string; object: string };

/** A watch that begins further back than this gets no more of it. */
const toldLately = 2000;

/**
 * The objects of one kind in the stub of the API server: what is there, who watches, and what was told lately, so that a watch goes on where the
 * list before it ended, as with a real one. `listed` is what is there from the beginning, as JSON.
 */
export function createToldObjects(listed: readonly string[]) {
  const there = new Map<string, string>();
  const watchers = new Set<ServerResponse>();
  let lines: string[] = [];
  /** Of the last line. */
  let version = 1;
  /** What the first page of a list has found; the others are of the same time. */
  let found = { items: listed, version };

  return {
    /** To all who watch; returns the bytes of the line. */
    tell({ type, uid, object }: Told): number {
      if (type === 'DELETED') there.delete(uid);
      else there.set(uid, object);
      const line = `{"type":"${type}","object":${object}}\n`;
      lines.push(line);
      version += 1;
      if (lines.length > 2 * toldLately) lines = lines.slice(-toldLately);
      for (const watcher of watchers) watcher.write(line);
      return line.length;
    },

    /** What was told is gone, and nobody is told of that: for another service, which was not there. */
    forget: () => there.clear(),

    /** `from` is the token of the page before, which is how many came before. */
    list({ limit, from }: { limit: number; from: number }, response: ServerResponse): void {
      if (from === 0) found = { items: [...listed, ...there.values()], version };
      const rest = from + limit < found.items.length ? `,"continue":"${from + limit}"` : '';
      const items = found.items.slice(from, from + limit).join(',');
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(`{"metadata":{"resourceVersion":"${found.version}"${rest}},"items":[${items}]}`);
    },

    /** From after this version on. */
    watch(since: number, response: ServerResponse): void {
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
      if (since < version) response.write(lines.slice(since - version).join(''));
      watchers.add(response);
      response.once('close', () => watchers.delete(response));
    },
  };
}
