/** The log pane: streams the raw log and shows it as text, the last lines of it, whatever characters it holds. */
const tail = 2000;
const longest = 1_000_000;
const retryMs = 2000;

// Terminal sequences are dropped; other control characters, and those that turn the direction of text, are made visible.
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const sequences = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])/g;
// oxlint-disable-next-line no-control-regex -- as above
const acting = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;
// A sequence that the end of a chunk cuts in two waits for its other half.
// oxlint-disable-next-line no-control-regex -- as above
const cutShort = /(?:\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]{0,256}|[ -/]*)|\r)$/;

export function startLog() {
  const pane = document.getElementById('log');
  if (pane === null) return;
  let stop = new AbortController();
  let ended = false;
  // A hidden tab gives its connection back, as a browser allows but six to a host.
  const start = async () => {
    stop.abort();
    stop = new AbortController();
    const { signal } = stop;
    if (!document.hidden && !ended) ended = await follow(pane, signal);
  };
  document.addEventListener('visibilitychange', () => void start());
  addEventListener('pagehide', () => stop.abort());
  addEventListener('pageshow', ({ persisted }) => persisted && void start());
  void start();
}

/**
 * True when the log is at its end, false when the signal came first.
 * @type {(pane: HTMLElement, signal: AbortSignal) => Promise<boolean>}
 */
async function follow(pane, signal) {
  for (;;) {
    try {
      await readOnce(pane, signal);
      return true;
    } catch {
      if (signal.aborted) return false;
      note('The connection was lost; trying again …');
      await new Promise((resolve) => setTimeout(resolve, retryMs));
      if (signal.aborted) return false;
    }
  }
}

/** @type {(pane: HTMLElement, signal: AbortSignal) => Promise<void>} */
async function readOnce(pane, signal) {
  const answer = await fetch(`${pane.dataset['log'] ?? ''}?follow=true&tail=${tail}`, { signal });
  if (!answer.ok || answer.body === null) throw new Error(`status ${answer.status}`);
  pane.textContent = '';
  pane.dataset['empty'] = 'Waiting for the first line …';
  note('live');
  let rest = '';
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const text = rest + part.value;
    rest = cutShort.exec(text)?.[0] ?? '';
    append(pane, text.slice(0, text.length - rest.length));
  }
  append(pane, rest);
  pane.dataset['empty'] = 'Nothing was written.';
  note('');
}

/** @type {(pane: HTMLElement, raw: string) => void} */
function append(pane, raw) {
  const text = raw.replaceAll(sequences, '').replaceAll('\r\n', '\n').replaceAll(acting, '\uFFFD');
  if (text === '') return;
  const atEnd = pane.scrollHeight - pane.scrollTop - pane.clientHeight < 40;
  pane.append(text);
  // Long logs would make the page slow: only the end stays, "Raw text" has everything.
  while ((pane.textContent?.length ?? 0) > longest && pane.childNodes.length > 1) pane.firstChild?.remove();
  if (atEnd) pane.scrollTop = pane.scrollHeight;
}

/** @param {string} words */
function note(words) {
  const place = document.getElementById('log-note');
  if (place !== null) place.textContent = words;
}
