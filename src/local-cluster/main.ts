import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { startLocalCluster, workerImages } from './cluster.ts';
import { LocalClusterFault } from './faults.ts';

const usage = `Usage: npm run local-cluster -- [--port PORT] [--data DIR] [--worker-image NAME]

  --port PORT          of the API on 127.0.0.1 (default 6500; 0 picks a free one)
  --data DIR           where the cluster keeps its objects and its kubeconfig (default data/local-cluster)
  --worker-image NAME  the image name that runs this repository's worker (default jobspawn-worker)`;

/** As sysexits.h has it, for what the user asked wrongly. */
const configurationFault = 78;

type Settings = { port: number; dataDir: string; workerImage: string };

/** Throws LocalClusterFault. Undefined: the user asked for help. */
function readSettings(): Settings | undefined {
  const { values } = parseFlags();
  if (values.help) return undefined;
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > 65535)
    throw new LocalClusterFault(`--port must be 0 to 65535, not ${values.port}`);
  return { port, dataDir: values.data, workerImage: values['worker-image'] };
}

function parseFlags() {
  try {
    return parseArgs({
      options: {
        port: { type: 'string', default: '6500' },
        data: { type: 'string', default: 'data/local-cluster' },
        'worker-image': { type: 'string', default: 'jobspawn-worker' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    const [why] = String(error instanceof Error ? error.message : error).split('. ');
    throw new LocalClusterFault(`${why} (--help lists the flags)`);
  }
}

const toShellWord = (text: string) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

async function run({ port, dataDir, workerImage }: Settings): Promise<void> {
  const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
  const cluster = await startLocalCluster({ dataDir, port, images: workerImages(workerImage), log });
  console.log(cluster.kubeconfigPath);
  console.log(`export KUBECONFIG=${toShellWord(cluster.kubeconfigPath)}`);
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      cluster.stop().catch((error: unknown) => {
        log.error({ err: error }, 'the local cluster did not stop cleanly');
        process.exitCode = 1;
      });
    });
  }
}

try {
  const settings = readSettings();
  if (settings === undefined) console.log(usage);
  else await run(settings);
} catch (error) {
  if (!(error instanceof LocalClusterFault)) throw error;
  console.error(`local cluster: ${error.message}`);
  process.exitCode = configurationFault;
}
