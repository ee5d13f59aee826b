import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

/** One number, or one for each set of labels that there is now. */
type Reading = number | [labels: Record<string, string>, value: number][];

type Definition = { name: string; help: string; labels?: readonly string[]; read: () => Reading };

export type Readings = ReturnType<typeof createReadings>;

/** Metrics that are read where they are kept, at the moment they are asked for. What is not read any more is not told any more. */
export function createReadings(registry: Registry) {
  const registers = [registry];

  function gauge({ name, help, labels = [], read }: Definition): void {
    const metric = new Gauge({
      name,
      help,
      labelNames: labels,
      registers,
      collect() {
        metric.reset();
        for (const [where, value] of samplesOf(read)) metric.set(where, value);
      },
    });
  }

  /** `read` gives a count that only grows for as long as the process lives. */
  function counter({ name, help, labels = [], read }: Definition): void {
    const metric = new Counter({
      name,
      help,
      labelNames: labels,
      registers,
      collect() {
        metric.reset();
        for (const [where, value] of samplesOf(read)) metric.inc(where, value);
      },
    });
  }

  return { gauge, counter };
}

function samplesOf(read: () => Reading) {
  const reading = read();
  return typeof reading === 'number' ? [[{}, reading] as const] : reading;
}
