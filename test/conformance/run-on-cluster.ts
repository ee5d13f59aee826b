import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

/**
 * `npm run test:cluster`: the conformance suite against a real cluster. It makes namespaces of its own with random
 * names and removes them at the end. Never guesses which cluster is meant: both variables must be set.
 */
const kubeconfig = process.env['KUBECONFIG'];
const context = process.env['JOBSPAWN_TEST_CONTEXT'];

const missing = [
  kubeconfig === undefined && 'KUBECONFIG (the path of a kubeconfig)',
  context === undefined && 'JOBSPAWN_TEST_CONTEXT (the context in it that may be used for tests)',
].filter((reason) => reason !== false);

if (missing.length > 0) {
  console.error(`Please set ${missing.join(' and ')}.`);
  process.exitCode = 78;
} else if (kubeconfig !== undefined && !kubeconfig.includes(':') && !existsSync(kubeconfig)) {
  console.error(`There is no kubeconfig at ${kubeconfig}.`);
  process.exitCode = 78;
} else {
  const jest = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
  ];
  const chosen = process.argv.slice(2);
  const child = spawn(process.execPath, [...jest, ...(chosen.length > 0 ? chosen : ['test/conformance'])], {
    stdio: 'inherit',
    cwd: new URL('../..', import.meta.url),
    env: { ...process.env, JOBSPAWN_CONFORMANCE_CONTEXT: context },
  });
  child.on('exit', (code) => (process.exitCode = code ?? 1));
}
