import { randomInt } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { ResourceName, ResourceObjects } from '../objects.ts';
import type { ApiRegistry, Change } from '../registry-contract.ts';
import type { Call, Stream } from './call.ts';
import type { JsonObject } from './json.ts';
import { futureVersionWaitMs, tooLargeVersion } from './list.ts';
import type { ListOptions } from './query-options.ts';
import { parseVersion } from './query-options.ts';
import { apiVersionOf, resources } from './resources.ts';
import type { Selector } from './selectors.ts';
import { internalError, StatusError } from './status-error.ts';

/** How an object is shown: as it is, or as a Table or PartialObjectMetadata. */
export type Render<R extends ResourceName> = (object: ResourceObjects[R]) => unknown;

type WatchEvent = { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'; object: unknown };

const bookmarkEveryMs = 60_000;
/** How long before its end a watch gets its last bookmark; one that is hardly longer gets none. */
const lastBookmarkLeadMs = 2000;
/** What a timer of Node can hold. */
const longestTimerMs = 2 ** 31 - 1;
/** A reader that lags by this much is cut off: it lists again, and the memory is ours. */
const slowReaderBytes = 8 * 1024 * 1024;

const zeroFields: Record<ResourceName, JsonObject> = {
  jobs: { spec: { template: { metadata: {}, spec: { containers: null } } }, status: {} },
  pods: { spec: { containers: null }, status: {} },
  namespaces: { spec: {}, status: {} },
  events: {
    involvedObject: {},
    source: {},
    firstTimestamp: null,
    lastTimestamp: null,
    eventTime: null,
    reportingComponent: '',
    reportingInstance: '',
  },
};

/** What a change means to a watch with a selector: leaving it is a DELETED with the old content and the new version. */
function toEvent<R extends ResourceName>(
  change: Change<R>,
  selector: Selector<R>,
): { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: ResourceObjects[R] } | undefined {
  const { type, object, previous } = change;
  const before = previous !== undefined && selector(previous);
  const after = type !== 'DELETED' && selector(object);
  if (after) return { type: before ? 'MODIFIED' : 'ADDED', object };
  if (!before) return undefined;
  if (type === 'DELETED') return { type, object };
  const { resourceVersion } = object.metadata;
  return { type: 'DELETED', object: { ...previous, metadata: { ...previous.metadata, resourceVersion } } };
}

/**
 * Opens a watch on a resource. Refusals that Kubernetes makes before the stream starts are thrown (StatusError), those
 * it sends inside the stream (410, 504) come as an ERROR event. So does what a selector or a renderer throws; the stream
 * then rejects with it.
 */
export function openWatch<R extends ResourceName>(
  registry: ApiRegistry,
  call: Call,
  at: { resource: R; namespace: string | undefined; selector: Selector<R> | undefined; render: Render<R> },
  options: ListOptions,
): Stream {
  const info = resources[at.resource];
  const selector = at.selector ?? (() => true);
  const from = parseVersion(options.resourceVersion, 'watch');
  const inNamespace = (object: ResourceObjects[R]) =>
    at.namespace === undefined || (object.metadata.namespace ?? '') === at.namespace;
  const startsWithList = options.sendInitialEvents ?? from === 0;

  function stream(response: ServerResponse): Promise<void> {
    const seconds = options.timeoutSeconds ?? 0;
    const timeoutMs = Math.min((seconds > 0 ? seconds : randomInt(1800, 3600)) * 1000, longestTimerMs);
    const endsAt = Date.now() + timeoutMs;
    let ended = false;
    const timers: NodeJS.Timeout[] = [];
    let unsubscribe: (() => void) | undefined;
    const over = Promise.withResolvers<void>();

    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    response.flushHeaders();

    function end(): void {
      ended = true;
      unsubscribe?.();
      for (const timer of timers) clearTimeout(timer);
      call.signal.removeEventListener('abort', end);
      response.end();
      over.resolve();
    }

    function send(event: WatchEvent): void {
      if (!ended) response.write(`${JSON.stringify(event)}\n`);
    }

    function fail(error: StatusError): void {
      send({ type: 'ERROR', object: error.status });
      end();
    }

    /** These steps run in timers and in the commits of others: a throw would end the process, or reach someone else. */
    function attempt(step: () => void): void {
      try {
        step();
      } catch (error) {
        over.reject(error);
        fail(internalError());
      }
    }

    function sendBookmark(annotations?: Record<string, string>): void {
      const metadata = {
        resourceVersion: String(registry.version()),
        ...(annotations === undefined ? {} : { annotations }),
      };
      const object = {
        kind: info.kind,
        apiVersion: apiVersionOf(info),
        metadata,
        ...zeroFields[at.resource],
      };
      send({ type: 'BOOKMARK', object });
    }

    function scheduleBookmark(): void {
      // One more comes shortly before the end, so that the next watch starts from there.
      const untilLast = endsAt - Date.now() - lastBookmarkLeadMs;
      if (untilLast < lastBookmarkLeadMs) return;
      const inMs = Math.min(bookmarkEveryMs, untilLast);
      timers.push(
        setTimeout(() => {
          sendBookmark();
          scheduleBookmark();
        }, inMs).unref(),
      );
    }

    function tell(change: Change<R>): void {
      // A watch "from the future" hears of nothing until that version is there.
      if (Number(change.object.metadata.resourceVersion) <= from || !inNamespace(change.object)) return;
      const event = toEvent(change, selector);
      if (event === undefined) return;
      send({ type: event.type, object: at.render(event.object) });
      if (response.writableLength > slowReaderBytes) end();
    }

    function start(): void {
      if (startsWithList) {
        for (const object of registry.list(at.resource, at.namespace)) {
          if (selector(object)) send({ type: 'ADDED', object: at.render(object) });
        }
        if (options.sendInitialEvents === true && options.allowWatchBookmarks) {
          sendBookmark({ 'k8s.io/initial-events-end': 'true' });
        }
      } else {
        const missed = registry.changesSince(at.resource, from);
        if (missed === undefined) {
          const oldest = registry.oldestVersion(at.resource);
          fail(new StatusError('Expired', `too old resource version: ${from} (${oldest})`));
          return;
        }
        missed.forEach(tell);
      }
      if (ended) return;
      unsubscribe = registry.subscribe(at.resource, (change) => attempt(() => tell(change)));
      if (options.allowWatchBookmarks) scheduleBookmark();
    }

    if (call.signal.aborted) {
      end();
      return over.promise;
    }
    call.signal.addEventListener('abort', end);
    timers.push(setTimeout(end, timeoutMs).unref());
    if (options.sendInitialEvents === true && from > registry.version()) {
      timers.push(
        setTimeout(() => {
          if (from > registry.version()) fail(tooLargeVersion(from, registry.version()));
          else attempt(start);
        }, futureVersionWaitMs),
      );
    } else attempt(start);
    return over.promise;
  }

  return { stream };
}
