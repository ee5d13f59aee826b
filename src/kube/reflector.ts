/**
 * A lasting watch: LIST in pages, WATCH from there, and again for ever. The contract:
 *
 * - `onUpsert` is called for every object of every list and for every change, `onGone` for what a watch deleted or a new list
 *   does not hold any more: one place for both. Objects are keyed by uid, so one re-created under its name is another.
 * - Calls come one after the other, never while another one runs, and for one object in the order of the API server. So what
 *   a reflector tells is never older than what it told before; nothing else may feed the same facts.
 * - A listener that throws is its own affair: it is logged and counted, and the next event is handled.
 * - A listener may put off what it is told. It is waited for, every few objects and before a list counts as complete.
 * - It ends with its signal, and with nothing else. Failures show in `status()`, and are tried again after 0.8 s, doubling to
 *   30 s, with jitter; a good event resets that, and a resync does not wait for it. Lists start at least a second apart.
 * - A watch without a byte for 90 s is taken for half-open and opened again: bookmarks come about once a minute.
 */
import type { Readable } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { ApiFailure } from './api-failure.ts';
import type { Connection } from './connection.ts';
import { readLines } from './lines.ts';
import { Broken, losesPlace, silence, toBroken, valueOf } from './watch-failure.ts';

/** Something kept of an object: a slim projection, never the object. */
type Projection = { observation: { uid: string } };

export type Listener<T> = {
  onUpsert: (item: T) => void;
  onGone: (item: T) => void;
  /** Resolves when all that was told so far has been dealt with. */
  stored?: () => Promise<void>;
  /** After each complete list. */
  onSynced?: () => void;
};

type ReflectorStatus = {
  /** At least one list was complete. */
  synced: boolean;
  /** When the last complete list came. */
  lastSyncAt: Date | null;
  /** When the last sign came that the watch is current: a complete list, an event or a bookmark. */
  lastProofAt: Date | null;
  /** Lists and watches that failed since the start. */
  restarts: number;
  /** Objects that could not be read, and listeners that threw. */
  faults: number;
  /** Why the watch does not run now; null when it does. */
  error: string | null;
};

export type Reflector<T> = {
  status: () => ReflectorStatus;
  /** What is there now, by uid. */
  items: () => ReadonlyMap<string, T>;
  /** Lists anew, and resolves when a list that began after this call is complete. Rejects when the signal aborts. */
  resync: () => Promise<void>;
  /** Resolves when the signal has ended everything. */
  done: Promise<void>;
};

export type ReflectorOptions<T> = {
  connection: Connection;
  path: string;
  labelSelector: string;
  /** Throws on what it cannot read; null for what is of no interest. */
  project: (object: unknown) => T | null;
  listener: Listener<T>;
  log: Logger;
  signal: AbortSignal;
  clock: () => Date;
  random: () => number;
  pace?: Partial<typeof usualPace>;
};

const usualPace = {
  // A page is parsed in one turn of the event loop.
  pageSize: 200,
  firstBackOffMs: 800,
  longestBackOffMs: 30_000,
  listSpacingMs: 1000,
  quietMs: 90_000,
  /** A watch that lasted so long is no failure, even if nothing happened. */
  soundMs: 10_000,
};

const listSchema = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(z.unknown()).nullish(),
});
const uidSchema = z.object({ metadata: z.object({ uid: z.string() }) });
const eventSchema = z.object({ type: z.string(), object: z.unknown() });
const versionSchema = z.object({ metadata: z.object({ resourceVersion: z.string() }) });

/** Objects of one turn of the event loop: a page or a burst must not hold up a request. */
const itemsPerTurn = 10;
const itemsOfListPerTurn = 25;

export function startReflector<T extends Projection>(options: ReflectorOptions<T>): Reflector<T> {
  const { connection, path, labelSelector, project, listener, signal, clock, random } = options;
  const pace = { ...usualPace, ...options.pace };
  const log = options.log.child({ path });
  const items = new Map<string, T>();
  const status: ReflectorStatus = {
    synced: false,
    lastSyncAt: null,
    lastProofAt: null,
    restarts: 0,
    faults: 0,
    error: null,
  };
  let resourceVersion = '';
  let mustList = true;
  let failures = 0;
  let lastCode = 0;
  let openedAt = Infinity;
  let nextListAt = 0;
  let interrupt = new AbortController();
  let waiting: PromiseWithResolvers<void>[] = [];

  /** Runs what may throw because of one event, so that the others do not suffer from it. */
  function shielded(handle: () => void): void {
    try {
      handle();
    } catch (err) {
      status.faults += 1;
      log.error({ err }, 'what the cluster told could not be handled');
    }
  }

  function upsert(object: unknown): void {
    const item = project(object);
    if (item === null) return;
    items.set(item.observation.uid, item);
    listener.onUpsert(item);
  }

  function forget(uid: string): void {
    const item = items.get(uid);
    if (item !== undefined && items.delete(uid)) listener.onGone(item);
  }

  async function pause(): Promise<void> {
    await listener.stored?.();
    await nextTurn();
  }

  async function list(): Promise<void> {
    await delay(Math.max(0, nextListAt - performance.now()), undefined, { signal });
    nextListAt = performance.now() + pace.listSpacingMs;
    // A watch that was sound has ended; what fails from here on is a list.
    openedAt = Infinity;
    const served = waiting;
    waiting = [];
    mustList = false;
    try {
      const missing = new Set(items.keys());
      let page: z.output<typeof listSchema> | undefined;
      do {
        const query = { labelSelector, limit: pace.pageSize, continue: page?.metadata.continue };
        page = listSchema.parse(valueOf(await connection.call({ method: 'GET', path, query }, signal)));
        for (const [n, object] of (page.items ?? []).entries()) {
          if (n % itemsOfListPerTurn === itemsOfListPerTurn - 1) await pause();
          missing.delete(uidSchema.parse(object).metadata.uid);
          shielded(() => upsert(object));
        }
      } while (page.metadata.continue);
      for (const uid of missing) shielded(() => forget(uid));
      await listener.stored?.();
      resourceVersion = page.metadata.resourceVersion;
    } catch (error) {
      waiting.push(...served);
      mustList = true;
      throw error;
    }
    status.synced = true;
    status.lastSyncAt = status.lastProofAt = clock();
    shielded(() => listener.onSynced?.());
    for (const waiter of served) waiter.resolve();
  }

  /** One watch, until it ends. Throws Broken when it failed; a clean end is none. */
  async function watch(): Promise<void> {
    openedAt = Infinity;
    const quiet = new AbortController();
    const timer = setTimeout(() => quiet.abort(), pace.quietMs);
    try {
      const query = {
        labelSelector,
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion,
        timeoutSeconds: 240 + Math.floor(random() * 241),
      };
      const ends = AbortSignal.any([signal, interrupt.signal, quiet.signal]);
      const stream = valueOf(await connection.open(path, query, ends));
      openedAt = performance.now();
      status.error = null;
      await follow(stream, () => timer.refresh());
    } catch (error) {
      if (interrupt.signal.aborted) return;
      if (quiet.signal.aborted) throw new Broken(silence);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async function follow(stream: Readable, onBytes: () => void): Promise<void> {
    let handled = 0;
    for await (const line of readLines(stream, onBytes)) {
      const { type, object } = eventSchema.parse(JSON.parse(line));
      if (type === 'ERROR') throw toBroken(object);
      failures = 0;
      status.lastProofAt = clock();
      resourceVersion = versionSchema.parse(object).metadata.resourceVersion;
      if (type === 'DELETED') shielded(() => forget(uidSchema.parse(object).metadata.uid));
      else if (type !== 'BOOKMARK') shielded(() => upsert(object));
      handled += 1;
      if (handled % itemsPerTurn === 0) await pause();
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      interrupt = new AbortController();
      try {
        while (mustList) await list();
        await watch();
        failures = interrupt.signal.aborted || wasSound() ? 0 : failures + 1;
        if (failures > 1) await rest(backOff(null));
      } catch (error) {
        if (signal.aborted) return;
        await rest(noteFailure(error));
      }
    }
  }

  /** Cut short by a resync that was asked for since the last try. */
  async function rest(ms: number): Promise<void> {
    try {
      await delay(ms, undefined, { signal: AbortSignal.any([signal, interrupt.signal]) });
    } catch {
      signal.throwIfAborted();
    }
  }

  function wasSound(): boolean {
    return performance.now() - openedAt >= pace.soundMs;
  }

  /** How long to wait before the next try. */
  function noteFailure(error: unknown): number {
    const failure = error instanceof Broken ? error.failure : null;
    // After an outage a first 410 is good news, the server answers: what is new to us is to be listed soon.
    const isNewlyExpired = failure?.code === 410 && lastCode !== 410;
    lastCode = failure?.code ?? 0;
    failures = wasSound() || isNewlyExpired ? 1 : failures + 1;
    status.restarts += 1;
    status.error = error instanceof Error ? error.message : String(error);
    if (losesPlace(error)) mustList = true;
    const retryInMs = backOff(failure);
    // What the server itself asks for holds for a resync too.
    nextListAt = Math.max(nextListAt, performance.now() + (failure?.retryAfterMs ?? 0));
    const entry = { reason: failure?.reason ?? null, error: status.error, retryInMs };
    if (failure?.reason === 'Forbidden') log.error(entry, 'we lack the right to watch the cluster');
    else log.warn(entry, 'the watch of the cluster broke off');
    return retryInMs;
  }

  function backOff(failure: ApiFailure | null): number {
    const usual = Math.min(pace.firstBackOffMs * 2 ** Math.max(0, failures - 1), pace.longestBackOffMs);
    return Math.round(Math.max(usual * (1 + random() / 2), failure?.retryAfterMs ?? 0));
  }

  async function runToTheEnd(): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    for (const waiter of waiting) waiter.reject(signal.reason);
  }

  return {
    status: () => ({ ...status }),
    items: () => items,
    resync() {
      signal.throwIfAborted();
      const waiter = Promise.withResolvers<void>();
      waiting.push(waiter);
      mustList = true;
      interrupt.abort();
      return waiter.promise;
    },
    done: runToTheEnd(),
  };
}
