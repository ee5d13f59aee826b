import { route } from './route.ts';
import type { Route } from './route.ts';

/** What a scraper is given; `contentType` names the format of the text. */
export type Scrape = { contentType: string; scrape: () => Promise<string> };

/** For Prometheus, which comes by the address of the pod. */
export function createMetricsRoute({ contentType, scrape }: Scrape): Route[] {
  return [
    route({
      method: 'get',
      path: '/metrics',
      needs: 'nobody',
      kind: 'api',
      tag: 'Operation',
      summary: 'The metrics, for Prometheus',
      forMachines: true,
      answers: { 200: { description: 'Prometheus text format', mediaType: 'text/plain' } },
      problems: [400],
      handle: async ({ res }) => {
        const text = await scrape();
        res.set('Content-Type', contentType).send(text);
      },
    }),
  ];
}
