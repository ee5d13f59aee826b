import { showTimes } from './times.js';

/**
 * Keeps a page true without a reload: an event says that something changed, the page is fetched again, and the elements
 * marked `data-live` are swapped where their HTML differs. What the reader holds (focus, scrolling, open forms) stays.
 */
const quietMs = 100;
const pauseMs = 500;
// An event source that was refused, as when too many streams are open, does not try again by itself.
const refusedMs = 10_000;

export function startLive() {
  const { events } = document.body.dataset;
  if (events === undefined) return;
  const shown = new Map([...liveElements(document)].map((element) => [element.id, element.outerHTML]));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let lastRefresh = 0;

  const refresh = async () => {
    timer = undefined;
    lastRefresh = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { Accept: 'text/html' } });
      // The login has ended; the page itself will ask for another one, and lead back here.
      if (answer.redirected) location.reload();
      else if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), 'text/html'), shown);
    } catch {
      // The connection is gone. The event source tries again by itself, and its `open` brings us back here.
    }
  };
  const later = () => {
    timer ??= setTimeout(() => void refresh(), Math.max(quietMs, lastRefresh + pauseMs - Date.now()));
  };

  // A browser allows six connections to a host, so hidden tabs give theirs back. `open` comes at every return, and
  // refreshing then shows what happened in between: none of that has to be told, of a whole night perhaps.
  /** @type {EventSource | undefined} */
  let source;
  let from = events;
  const follow = () => {
    source?.close();
    source = undefined;
    if (document.hidden) return;
    source = new EventSource(from);
    source.addEventListener('error', later);
    source.addEventListener('message', later);
    source.addEventListener('open', later);
    source.addEventListener('error', ({ target }) => {
      if (target !== source || source?.readyState !== EventSource.CLOSED) return;
      setTimeout(() => target === source && follow(), refusedMs);
    });
  };
  document.addEventListener('visibilitychange', follow);
  addEventListener('pagehide', () => source?.close());
  addEventListener('pageshow', ({ persisted }) => persisted && follow());
  follow();
  // Even where this tab was not looked at yet.
  from = fromNowOn(events);
}

/**
 * A number that lies ahead of all events means now.
 * @param {string} events
 */
function fromNowOn(events) {
  const url = new URL(events, location.href);
  url.searchParams.set('after', String(Number.MAX_SAFE_INTEGER));
  return url.href;
}

/** @param {ParentNode} root */
function liveElements(root) {
  return root.querySelectorAll('[data-live][id]');
}

/** @type {(fresh: Document, shown: Map<string, string>) => void} */
function swap(fresh, shown) {
  const focus = focusPath();
  document.title = fresh.title;
  for (const element of liveElements(fresh)) {
    const html = element.outerHTML;
    const old = document.getElementById(element.id);
    if (old === null || shown.get(element.id) === html) continue;
    shown.set(element.id, html);
    announce(old, element);
    const places = scrollPlaces(old);
    showTimes(element);
    old.replaceWith(document.adoptNode(element));
    element.querySelectorAll('[data-scrolls]').forEach((box, at) => box.scrollTo(places[at] ?? {}));
  }
  if (focus === undefined || document.activeElement?.matches(focus)) return;
  const again = document.querySelector(focus);
  if (again instanceof HTMLElement) again.focus({ preventScroll: true });
}

/** @param {Element} element */
function scrollPlaces(element) {
  return [...element.querySelectorAll('[data-scrolls]')].map(({ scrollLeft, scrollTop }) => ({
    left: scrollLeft,
    top: scrollTop,
  }));
}

/**
 * Screen readers hear of a new state; the rest they find where it stands.
 * @type {(old: Element, element: Element) => void}
 */
function announce(old, element) {
  const words = element.getAttribute('data-announce');
  const announcement = document.getElementById('announcement');
  if (words === null || announcement === null || words === old.getAttribute('data-announce')) return;
  announcement.textContent = words;
}

/** How to find the focused element again, when its HTML has been swapped. */
function focusPath() {
  const focused = document.activeElement;
  const live = focused?.closest('[data-live][id]');
  if (!focused || !live) return undefined;
  if (focused.id !== '') return `#${CSS.escape(focused.id)}`;
  const href = focused.getAttribute('href');
  return href === null ? undefined : `#${CSS.escape(live.id)} a[href="${CSS.escape(href)}"]`;
}
