import {
  ResponseContext,
  ServerConfiguration,
  createConfiguration,
  wrapHttpLibrary,
} from '@kubernetes/client-node';
import type { MakeApi } from './client-node-calls.ts';
import { parseJson, type Json } from './json.ts';

export type SentRequest = {
  method: string;
  /** With the query, escaped as the library does it. */
  path: string;
  contentType: string;
  body: Json | undefined;
};
export type ScriptedAnswer = { status: number; headers: Record<string, string>; text: string };

const server = 'http://nowhere.invalid';

/** The library's APIs with no server behind them: each request is shown to `onRequest`, and gets its answer. */
export function scriptedApi(onRequest: (sent: SentRequest) => ScriptedAnswer): MakeApi {
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(server, {}),
    httpApi: wrapHttpLibrary({
      async send(context) {
        const body = context.getBody();
        const { status, headers, text } = onRequest({
          method: context.getHttpMethod(),
          path: context.getUrl().slice(server.length),
          contentType: context.getHeaders()['Content-Type'] ?? '',
          body: typeof body === 'string' ? parseJson(body) : undefined,
        });
        const bytes = Buffer.from(text);
        return new ResponseContext(status, headers, {
          text: async () => text,
          binary: async () => bytes,
          stream: () => null,
        });
      },
    }),
  });
  return (Api) => new Api(configuration);
}
