import { isIP } from 'node:net';
import { z } from 'zod';
import { port, positive } from './config-values.ts';

const proxyList = z
  .string()
  .transform((text) => text.split(',').map((address) => address.trim()))
  .refine((addresses) => addresses.every(isAddressRange), {
    error: 'must be IP addresses or ranges such as 10.0.0.0/8, separated by commas',
  });

/** The variables of the web side: who may come how often, and over whom. */
export const webVariables = {
  CALLBACK_PORT: port.optional(),
  REPORT_KEY_FILE: z.string().optional(),
  TRUSTED_PROXIES: proxyList.default([]),
  KEEP_ALIVE_SECONDS: positive.default(75),
  REQUESTS_PER_SECOND: positive.optional(),
  REPORTS_PER_MINUTE: positive.default(6000),
  MAX_STREAMS: positive.default(5000),
  MAX_STREAMS_PER_ADDRESS: positive.default(2000),
};

export type WebLimits = {
  /** Of one address, and with one credential; undefined: no bound. */
  requestsPerSecond: number | undefined;
  /** Of one task of one job. */
  reportsPerMinute: number;
  /** Event streams and logs that are read at once. */
  streams: number;
  streamsPerAddress: number;
};

export type WebConfig = {
  /** Of a listener for workers alone; undefined: they come to the one that there is. */
  callbackPort: number | undefined;
  /** Holds the keys of job tokens; undefined: the database has one of its own. */
  reportKeyFile: string | undefined;
  /** Proxies that are believed when they say who came, and over https. */
  trustedProxies: string[];
  /** How long an idle connection stays open; longer than any proxy before us keeps it, or that one may send into a closed one. */
  keepAliveSeconds: number;
  limits: WebLimits;
};

/** Where everybody is whoever uses this machine, nobody needs a flood to do it harm. */
export function toWebConfig(
  variables: z.output<z.ZodObject<typeof webVariables>>,
  { isForOneself }: { isForOneself: boolean },
): WebConfig {
  return {
    callbackPort: variables.CALLBACK_PORT,
    reportKeyFile: variables.REPORT_KEY_FILE,
    trustedProxies: variables.TRUSTED_PROXIES,
    keepAliveSeconds: variables.KEEP_ALIVE_SECONDS,
    limits: {
      requestsPerSecond: variables.REQUESTS_PER_SECOND ?? (isForOneself ? undefined : 1000),
      reportsPerMinute: variables.REPORTS_PER_MINUTE,
      streams: variables.MAX_STREAMS,
      streamsPerAddress: variables.MAX_STREAMS_PER_ADDRESS,
    },
  };
}

/** One sentence for each pair of variables that cannot both be. Port 0 is any free one, and never the same twice. */
export function findWebFaults(variables: { PORT: number; CALLBACK_PORT?: number | undefined }): string[] {
  const isTaken = variables.CALLBACK_PORT === variables.PORT && variables.PORT !== 0;
  return isTaken ? [`CALLBACK_PORT must differ from PORT (both are ${variables.PORT}).`] : [];
}

function isAddressRange(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const longest = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  if (longest < 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= longest);
}
