/**
 * The log pane: streams the raw log and shows it as text, the last lines of it, whatever characters it holds.
 */
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
const cutShort = /(?:\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]{0,256})?|\r)$/;

export function startLog() {
  const pane = document.querySelector('[data-log]');
  if (pane === null) return;
  let stop = new AbortController();
  const start = () => {
    stop.abort();
    stop = new AbortController();
    if (!document.hidden) void follow(pane, stop.signal);
  };
  let ended = false;
  pane.addEventListener('log-end', () => (ended = true));
  document.addEventListener('visibilitychange', () => {
    if (!ended) start();
  });
  addEventListener('pagehide', () => stop.abort());
  start();
}

async function follow(pane, signal) {
  for (;;) {
    try {
      await readOnce(pane, signal);
      pane.dispatchEvent(new Event('log-end'));
      return;
    } catch {
      if (signal.aborted) return;
      note('The connection was lost; trying again …');
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

async function readOnce(pane, signal) {
  const answer = await fetch(`${pane.dataset.log}?follow=true&tail=${tail}`, { signal });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  pane.textContent = '';
  note('live');
  let rest = '';
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const text = rest + part.value;
    rest = cutShort.exec(text)?.[0] ?? '';
    append(pane, text.slice(0, text.length - rest.length));
  }
  append(pane, rest);
  note(pane.textContent === '' ? 'No lines were written.' : '');
}

function append(pane, raw) {
  const text = raw.replaceAll(sequences, '').replaceAll('\r\n', '\n').replaceAll(acting, '\uFFFD');
  if (text === '') return;
  const atEnd = pane.scrollHeight - pane.scrollTop - pane.clientHeight < 40;
  pane.append(text);
  // Long logs would make the page slow: only the end stays, "Raw text" has everything.
  if (pane.textContent.length > longest) pane.textContent = pane.textContent.slice(-longest / 2);
  if (atEnd) pane.scrollTop = pane.scrollHeight;
}

function note(words) {
  document.getElementById('log-note').textContent = words;
}
