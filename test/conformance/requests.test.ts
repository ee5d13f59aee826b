import { conformanceSuite } from './suite.ts';

/** Requests and their answers: what clients read. */
await conformanceSuite([
  '01-discovery',
  '13-validation-errors',
  '14-list-and-watch',
  '15-logs',
  '16-access',
  '18-selectors',
  '20-patch-and-update',
]);
