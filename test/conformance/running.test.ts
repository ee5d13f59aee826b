import { conformanceSuite } from './suite.ts';

/** How Jobs run, are retried and end. */
await conformanceSuite([
  '02-minimal-job',
  '03-failing-backoff',
  '04-completions-parallelism',
  '05-indexed',
  '06-pod-failure-policy',
  '07-active-deadline',
]);
