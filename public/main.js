import { startLive } from './live.js';
import { startLog } from './log.js';
import { startTimes } from './times.js';

startTimes();
startLive();
startLog();

/** @type {(form: HTMLFormElement, busy: boolean) => void} */
const setBusy = (form, busy) => {
  for (const button of form.querySelectorAll('button')) button.disabled = busy;
};

// A second click on Run must not be a second job. Shown again by the Back button, a form may be sent again.
document.addEventListener('submit', ({ target }) => {
  if (target instanceof HTMLFormElement && target.method === 'post') setTimeout(() => setBusy(target, true));
});
addEventListener('pageshow', () => {
  for (const form of document.forms) setBusy(form, false);
});
