import { z } from 'zod';
import { podObservationSchema } from '../core/facts.ts';
import type { PodFact } from '../core/facts.ts';
import { flag, jsonColumn } from './job-row.ts';

/** The columns of `pods` that make a fact. */
export const podColumns = 'observation, gone, stopped';

export const podRowSchema = z
  .object({ observation: jsonColumn(podObservationSchema), gone: flag, stopped: flag })
  .transform(({ observation, gone, stopped }): PodFact => ({ ...observation, gone, stopped }));
