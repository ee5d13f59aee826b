import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';

/** A registry that speaks as much of the HTTP API v2 as it takes to read a manifest, with the anonymous tokens of Docker Hub. */
export async function startFakeRegistry() {
  const manifests = new Map<string, string>();
  const tokens = new Map<string, string>();
  /** What it claims a manifest's digest to be; the truth where nothing is said. */
  const claims = new Map<string, string>();
  const server = createServer((req, res) => {
    const url = new URL(req.url ?? '/', 'http://registry');
    if (url.pathname === '/token') {
      const token = randomUUID();
      tokens.set(token, url.searchParams.get('scope') ?? '');
      res.setHeader('Content-Type', 'application/json').end(JSON.stringify({ token }));
      return;
    }
    const [, repository = ''] = /^\/v2\/(.+)\/manifests\/[^/]+$/.exec(url.pathname) ?? [];
    const scope = `repository:${repository}:pull`;
    const shown = req.headers.authorization?.replace('Bearer ', '') ?? '';
    if (tokens.get(shown) !== scope) {
      const realm = `http://${req.headers.host}/token`;
      res
        .writeHead(401, { 'WWW-Authenticate': `Bearer realm="${realm}",service="fake",scope="${scope}"` })
        .end();
      return;
    }
    const manifest = manifests.get(url.pathname);
    if (manifest === undefined || !req.headers.accept?.includes('image.index.v1')) {
      res.writeHead(404).end();
      return;
    }
    res.setHeader('Docker-Content-Digest', claims.get(url.pathname) ?? digestOf(manifest)).end(manifest);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the registry has no port');
  return {
    host: `127.0.0.1:${address.port}`,
    /** Puts a manifest under a tag, and says its digest. */
    push(name: string, tag: string): string {
      const manifest = JSON.stringify({ schemaVersion: 2, random: randomUUID() });
      manifests.set(place(name, tag), manifest);
      return digestOf(manifest);
    },
    claim: (name: string, tag: string, digest: string) => claims.set(place(name, tag), digest),
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const place = (name: string, tag: string) => `/v2/${name}/manifests/${tag}`;

function digestOf(manifest: string): string {
  return `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
}
