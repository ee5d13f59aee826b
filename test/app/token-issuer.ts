import { createServer } from 'node:http';
import { once } from 'node:events';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { CryptoKey, JWK, JWTPayload } from 'jose';

type Signed = { alg?: string; claims?: JWTPayload; kid?: string };

/** A little issuer of ID tokens on a free port: discovery document, keys that can be changed, and a count of who asked for them. */
export async function startTokenIssuer() {
  const asked: string[] = [];
  const behaviour = { status: 200, issuer: '', keysPath: '/jwks' };
  let keys: JWK[] = [];
  let signingKey: CryptoKey;
  let kid = '';
  let rotations = 0;

  const server = createServer((req, res) => {
    asked.push(req.url ?? '');
    const isDocument = req.url === '/.well-known/openid-configuration';
    res.statusCode = isDocument || req.url === behaviour.keysPath ? behaviour.status : 404;
    res.setHeader('content-type', 'application/json');
    if (!isDocument) res.end(JSON.stringify({ keys }));
    else res.end(JSON.stringify({ issuer: behaviour.issuer, jwks_uri: url + behaviour.keysPath }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it does not listen on a port');
  const url = `http://127.0.0.1:${address.port}`;
  behaviour.issuer = url;

  /** New keys in place of the old ones. */
  async function rotate(alg = 'RS256'): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    rotations += 1;
    kid = `${alg}-${rotations}`;
    keys = [{ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }];
    signingKey = privateKey;
  }
  await rotate();

  const usual = () => ({
    iss: url,
    aud: 'jobspawn',
    sub: '1',
    email: 'Ada@example.com',
    email_verified: true,
    iat: Math.floor(Date.now() / 1000),
    exp: Math.floor(Date.now() / 1000) + 3600,
  });

  return {
    url,
    asked,
    behaviour,
    rotate,
    /** The public key as who can read it has it. */
    publicKey: () => keys[0],
    claims: (over: JWTPayload = {}) => ({ ...usual(), ...over }),
    sign: ({ alg = 'RS256', claims = {}, kid: named = kid }: Signed = {}) =>
      new SignJWT({ ...usual(), ...claims }).setProtectedHeader({ alg, kid: named }).sign(signingKey),
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
