/** The short job that shows whether a report finds its way back: the worker image, a second of work that cannot fail. */
export const tryRequest = {
  name: 'try the cluster',
  args: ['simulate', '--duration', '1s', '--error-rate', '0'],
  activeDeadlineSeconds: 60,
  ttlSecondsAfterFinished: 60,
  priority: 100,
};
