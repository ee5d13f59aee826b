/** The server writes UTC; here it becomes "3 min. ago" in the reader's own zone, and running clocks tick. */
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const units = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

/** @param {string} time */
function toAgo(time) {
  const seconds = (Date.parse(time) - Date.now()) / 1000;
  if (Math.abs(seconds) < 5) return 'just now';
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  return relative.format(Math.trunc(seconds / size), unit);
}

/** @param {string} since */
function toRunning(since) {
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(since)) / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/**
 * Brings every time inside `root` up to date; only text that has changed is touched.
 * @param {ParentNode} root
 */
export function showTimes(root) {
  for (const time of root.querySelectorAll('time')) {
    const text = toAgo(time.dateTime);
    if (time.textContent !== text) time.textContent = text;
    time.title ||= absolute.format(new Date(time.dateTime));
  }
  for (const clock of root.querySelectorAll('[data-since]')) {
    const text = toRunning(clock.getAttribute('data-since') ?? '');
    if (clock.textContent !== text) clock.textContent = text;
  }
}

export function startTimes() {
  showTimes(document);
  setInterval(() => {
    if (!document.hidden) showTimes(document);
  }, 1000);
}
