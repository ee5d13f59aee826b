import { describe, expect, test } from '@jest/globals';
import { parseCommandLine, UsageError } from '../../src/job-worker/command-line.ts';
import { runWorker } from './worker-process.ts';

const nowhere = { endPoint: null, jobId: null };

describe('the command line', () => {
  test.each([[[]], [['simulate']]])('%j means simulate for 10 s with an error rate of 0.1', (argv) => {
    expect(parseCommandLine(argv)).toEqual({
      work: 'simulate',
      durationMs: 10_000,
      errorRate: 0.1,
      ...nowhere,
    });
  });

  test('leaves everything after "--" to the command', () => {
    expect(parseCommandLine(['exec', '--heartbeat', '2s', '--', 'ls', '--help', '--', '-l'])).toEqual({
      work: 'exec',
      heartbeatMs: 2000,
      file: 'ls',
      args: ['--help', '--', '-l'],
      ...nowhere,
    });
  });

  test.each([
    ['run', 'There is no subcommand "run", only simulate and exec.'],
    ['simulate now', 'simulate takes no argument "now".'],
    ['--speed 3', "Unknown option '--speed'."],
    ['--duration', "Option '--duration <value>' argument missing."],
    ['--duration 10', '--duration must be a duration of at most 24d such as 500ms, 10s or 2m, not "10".'],
    ['--duration 25d', '--duration must be a duration of at most 24d such as 500ms, 10s or 2m, not "25d".'],
    ['--duration=-1s', '--duration must be a duration of at most 24d such as 500ms, 10s or 2m, not "-1s".'],
    ['--error-rate 1.1', '--error-rate must be a number from 0 to 1, not "1.1".'],
    ['--error-rate 0x1', '--error-rate must be a number from 0 to 1, not "0x1".'],
    ['--api-end-point nowhere', '--api-end-point must be an http or https URL, not "nowhere".'],
    ['--job-id=', '--job-id must not be empty.'],
    ['exec', 'exec needs a command after "--".'],
    ['exec --', 'exec needs a command after "--".'],
    ['exec ls', 'exec takes its command after "--": exec -- ls ...'],
    ['exec --heartbeat 1ms -- ls', '--heartbeat must be at least 100ms.'],
    ['exec --duration 1s -- ls', "Unknown option '--duration'."],
  ])('"%s" is refused in one sentence', (line, sentence) => {
    expect(() => parseCommandLine(line.split(' '))).toThrow(
      expect.objectContaining({ name: UsageError.name, message: sentence }),
    );
  });

  test('that is refused prints the sentence and the usage, and exits 64', async () => {
    const { code, stdout, stderr } = await runWorker(['--speed', '3']);
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toMatch(/^job-worker: Unknown option '--speed'\.\nUsage: job-worker /);
  });

  test('with --help prints the usage and does nothing', async () => {
    const { code, stdout } = await runWorker(['exec', '--help']);
    expect(code).toBe(0);
    expect(stdout.toString()).toMatch(/^Usage: job-worker /);
  });
});
