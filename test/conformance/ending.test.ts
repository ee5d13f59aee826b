import { conformanceSuite } from './suite.ts';

/** How Jobs and pods are held up, restarted, stopped and deleted. */
await conformanceSuite([
  '08-suspend',
  '09-on-failure-restarts',
  '10-stuck-pods',
  '11-ttl',
  '12-delete',
  '19-termination',
]);
