import { parseConfig } from '../../src/app/config.ts';

/** The policy of a service that was told nothing: any image, no bounds. */
export const anySpec = parseConfig({}).specPolicy;
