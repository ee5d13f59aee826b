import type { Releasers } from '../src/app/releasers.ts';
import type { PreparedDatabases } from './prepared-databases.ts';

/** What one turn of one side read, by quantity. */
export type Readings = Readonly<Record<string, number>>;

/** Where a figure comes from: the side that was measured, and which of its quantities. */
type Source = readonly [side: string, quantity: string];

/** A bound on the figure itself or on its ratio to the baseline. */
export type Goal = { of: 'ours' | 'ratio' } & ({ atLeast: number } | { atMost: number });

export type FigurePlan = {
  /** The benchmark's own name, or that and what is special here: `accept/p99`. */
  name: string;
  unit: string;
  ours: Source;
  /** Taken in the same rounds; absent where nothing stands beside it. */
  baseline?: Source;
  goal?: Goal;
};

/** A benchmark that is ready to be measured. */
export type Plan = {
  /** Measured in turn, in this order, in every round. */
  sides: Readonly<Record<string, () => Promise<Readings>>>;
  /** The sides of the first round, in which programs warm up and which is not counted; all of them unless said. */
  warmUp?: readonly string[];
  /** Measured a single time, after them; a figure may be of these alone or of those alone. */
  once?: Plan['sides'];
  figures: readonly FigurePlan[];
};

export type Settings = {
  /** How long each turn loads a server. */
  seconds: number;
  /** How many go through a service whose memory is watched meanwhile; undefined: as many as there is time for. */
  jobs: number | undefined;
  /** Where the service under test writes its CPU profiles; undefined: nowhere. */
  profileDir: string | undefined;
  /** Without what takes long to prepare or to measure. */
  isShort: boolean;
  databases: PreparedDatabases;
};

export type Benchmark = {
  name: string;
  about: string;
  /** What it starts it leaves to the releasers, from the moment on that it runs. */
  prepare: (settings: Settings, releasers: Releasers) => Promise<Plan>;
};
