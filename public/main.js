import { startLive } from './live.js';
import { startLog } from './log.js';
import { startTimes } from './times.js';

startTimes();
startLive();
startLog();

// A second click on Run must not be a second job. Shown again by the Back button, a form may be sent again.
const setBusy = (form, busy) => {
  for (const button of form.querySelectorAll('button[type=submit]')) {
    button.disabled = busy;
    button.toggleAttribute('aria-busy', busy);
  }
};
document.addEventListener('submit', ({ target }) => {
  if (target.method === 'post') setTimeout(() => setBusy(target, true));
});
addEventListener('pageshow', () => {
  for (const form of document.forms) setBusy(form, false);
});
