import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReadLog } from '../../src/local-cluster/api/pod-log.ts';
import { serveApi } from '../../src/local-cluster/api/server.ts';
import { openRegistry } from '../../src/local-cluster/registry.ts';
import type { ApiRegistry } from '../../src/local-cluster/registry-contract.ts';
import type { RegistryOptions } from '../../src/local-cluster/registry.ts';
import { silentLog } from './silent-log.ts';

/** The shortest manifest that is a valid Job. */
export const minimalJob = (name: string, extra: { labels?: Record<string, string>; spec?: object } = {}) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, ...(extra.labels === undefined ? {} : { labels: extra.labels }) },
  spec: {
    ...extra.spec,
    template: {
      spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.com/tool:1' }] },
    },
  },
});

export const minimalPod = (name: string) => ({
  metadata: { name },
  spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.com/tool:1' }] },
});

type TestRegistryOptions = Partial<Omit<RegistryOptions, 'dataDir'>>;

export function openTestRegistry(options: TestRegistryOptions = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'local-cluster-'));
  const registry = openRegistry({ dataDir, log: silentLog, ...options });
  return {
    registry,
    dataDir,
    close() {
      registry.close();
      rmSync(dataDir, { recursive: true });
    },
  };
}

export type Reply = { status: number; headers: IncomingHttpHeaders; body: unknown };
export type Ask = {
  method?: string;
  headers?: Record<string, string>;
  /** Sent as JSON unless it is text. */
  body?: unknown;
};

export type ApiUnderTest = {
  registry: ApiRegistry;
  port: number;
  prefix: string;
  ask: (path: string, ask?: Ask) => Promise<Reply>;
  /** Opens a streamed answer; `lines` fills as they come, `ended` tells whether the server has finished it. */
  open: (path: string) => Promise<{ lines: string[]; ended: () => boolean; close: () => void }>;
  close: () => Promise<void>;
};

const prefix = `/${'0123456789abcdef'.repeat(2)}`;
const noLog: ReadLog = async function* () {};

/**
 * An API server over an empty registry, with no controllers: only requests change what is in it. Closing it fails when
 * the server has logged an error, unless that is part of the test (`mayFail`).
 */
export async function startTestApi(
  options: TestRegistryOptions & { readLog?: ReadLog; mayFail?: boolean } = {},
): Promise<ApiUnderTest> {
  const unexpected: unknown[] = [];
  const log = { error: (...entry: unknown[]) => void unexpected.push(entry) };
  const opened = openTestRegistry({ log, ...options });
  const { registry } = opened;
  const api = await serveApi({
    registry,
    prefix,
    port: 0,
    readLog: options.readLog ?? noLog,
    log,
  });

  const start = (path: string, { method = 'GET', headers = {}, body }: Ask): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
      const length = text === undefined ? {} : { 'content-length': String(Buffer.byteLength(text)) };
      const sent = request(
        {
          host: '127.0.0.1',
          port: api.port,
          path: prefix + path,
          method,
          headers: { ...length, ...headers },
        },
        resolve,
      );
      sent.on('error', reject);
      sent.end(text);
    });

  return {
    registry,
    port: api.port,
    prefix,
    async ask(path, ask = {}) {
      const response = await start(path, ask);
      let text = '';
      for await (const chunk of response) text += String(chunk);
      const isJson = String(response.headers['content-type']).startsWith('application/json');
      const body: unknown = isJson && text !== '' ? JSON.parse(text) : text;
      return { status: response.statusCode ?? 0, headers: response.headers, body };
    },
    async open(path) {
      const response = await start(path, {});
      const lines: string[] = [];
      let rest = '';
      let ended = false;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        const parts = (rest + chunk).split('\n');
        rest = parts.pop() ?? '';
        lines.push(...parts);
      });
      response.on('end', () => (ended = true));
      response.on('error', () => {});
      return { lines, ended: () => ended, close: () => response.destroy() };
    },
    async close() {
      await api.close();
      opened.close();
      if (unexpected.length > 0 && options.mayFail !== true)
        throw new Error(`the server logged errors: ${JSON.stringify(unexpected)}`);
    },
  };
}

export const jobsPath = '/apis/batch/v1/namespaces/default/jobs';
export const podsPath = '/api/v1/namespaces/default/pods';
export const json = { 'content-type': 'application/json' };
