import pino from 'pino';
import { startLocalCluster } from '../../src/local-cluster/cluster.ts';

/**
 * A local cluster in a process of its own: `node serve-local-cluster.ts DATA IMAGE`. The image runs whatever command
 * it is given on this machine. Prints the kubeconfig's path; ends when its input does, that is, when its starter does.
 */
const [dataDir = '', image = ''] = process.argv.slice(2);
const images = { [image]: { entrypoint: [], cmd: [] } };
const log = pino({ level: 'warn' }, pino.destination({ fd: 2, sync: true }));

// Once before: the recorder's cluster had a past that was too old to be asked for.
const earlier = await startLocalCluster({ dataDir, images, log });
await earlier.stop();

const cluster = await startLocalCluster({ dataDir, images, log });
process.stdout.write(`${cluster.kubeconfigPath}\n`);
process.stdin.resume().on('end', () => void cluster.stop());
