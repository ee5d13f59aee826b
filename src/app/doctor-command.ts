import { Option } from 'commander';
import type { Command } from 'commander';
import { command } from './command.ts';
import type { Environment } from './command.ts';
import { parseConfig } from './config.ts';
import { toDoctorText, toSum } from './doctor-text.ts';

/** `doctor`: what the service may do in its cluster, and what is missing. */
export function createDoctorCommand(environment: Environment): Command {
  return command('doctor')
    .description('look at the cluster: rights, namespace, quota, reports, clock; print what is missing')
    .option('--try', 'have the running service run a short job too, and wait for its report')
    .addOption(new Option('--yaml', 'print only what is missing, for "kubectl apply -f -"').conflicts('try'))
    .action(async ({ try: isTry = false, yaml = false }: { try?: boolean; yaml?: boolean }) => {
      const config = parseConfig(environment);
      // Loaded where it is used: the client of the cluster takes its time, and the other commands need none.
      const { examine } = await import('./doctor.ts');
      const report = await examine(config, { isTry });
      if (yaml) {
        process.stdout.write(report.manifests);
        console.error(toSum(report.findings));
      } else console.log(toDoctorText(report));
      const isSick = report.findings.some(({ verdict }) => verdict === 'wrong' || verdict === 'unknown');
      process.exitCode = isSick ? 1 : 0;
    });
}
