import { showTimes } from './times.js';

/**
 * Keeps a page true without a reload: an event says that something changed, the page is fetched again, and the elements
 * marked `data-live` are swapped where their HTML differs. What the reader holds (focus, scrolling, open forms) stays.
 */
const quietMs = 150;
const pauseMs = 1000;

export function startLive() {
  const { events } = document.body.dataset;
  if (events === undefined) return;
  const shown = new Map([...liveElements(document)].map((element) => [element.id, element.outerHTML]));
  let timer;
  let lastRefresh = 0;

  const refresh = async () => {
    timer = undefined;
    lastRefresh = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { Accept: 'text/html' } });
      if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), 'text/html'), shown);
    } catch {
      // The connection is gone; the event source tries again, and its first word brings us back here.
    }
  };
  const later = () => {
    timer ??= setTimeout(refresh, Math.max(quietMs, lastRefresh + pauseMs - Date.now()));
  };

  // A browser allows six connections to a host, so hidden tabs give theirs back. `open` comes at every return, and
  // refreshing then shows what happened in between.
  let source;
  const follow = () => {
    source?.close();
    source = undefined;
    if (document.hidden) return;
    source = new EventSource(events);
    source.onmessage = later;
    source.onopen = later;
  };
  document.addEventListener('visibilitychange', follow);
  addEventListener('pagehide', () => source?.close());
  addEventListener('pageshow', ({ persisted }) => persisted && follow());
  follow();
}

function liveElements(root) {
  return root.querySelectorAll('[data-live][id]');
}

function swap(fresh, shown) {
  const focus = focusPath();
  document.title = fresh.title;
  for (const element of liveElements(fresh)) {
    const html = element.outerHTML;
    const old = document.getElementById(element.id);
    if (old === null || shown.get(element.id) === html) continue;
    shown.set(element.id, html);
    announce(old, element);
    const scroll = [...old.querySelectorAll('.scrolls')].map(({ scrollLeft }) => scrollLeft);
    showTimes(element);
    old.replaceWith(document.adoptNode(element));
    element.querySelectorAll('.scrolls').forEach((box, at) => (box.scrollLeft = scroll[at] ?? 0));
  }
  if (focus !== undefined && !document.activeElement?.matches(focus)) document.querySelector(focus)?.focus();
}

/** Screen readers hear of a new state; the rest they find where it stands. */
function announce(old, element) {
  const words = element.dataset.announce;
  if (words === undefined || words === old.dataset.announce) return;
  document.getElementById('announcement').textContent = words;
}

/** How to find the focused element again, when its HTML has been swapped. */
function focusPath() {
  const focused = document.activeElement;
  const live = focused?.closest('[data-live][id]');
  if (!live) return undefined;
  if (focused.id) return `#${CSS.escape(focused.id)}`;
  const href = focused.getAttribute('href');
  return href === null ? undefined : `#${CSS.escape(live.id)} a[href="${CSS.escape(href)}"]`;
}
