import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createPublicKey } from 'node:crypto';
import { SignJWT } from 'jose';
import request from 'supertest';
import { createOidc } from '../../src/app/oidc.ts';
import type { FindPerson } from '../../src/app/oidc.ts';
import { startHttpSide } from '../http/http-side.ts';
import { startTokenIssuer } from './token-issuer.ts';

let issuer: Awaited<ReturnType<typeof startTokenIssuer>>;
let find: FindPerson;
let now: number;
const ada = { name: 'ada@example.com', role: 'operator' };

beforeEach(async () => {
  issuer = await startTokenIssuer();
  now = Date.now();
  find = findWith({ cooldownMs: 0 });
});
afterEach(() => issuer.stop());

const clock = () => new Date(now);

function findWith(times: { cooldownMs: number; freshMs?: number }): FindPerson {
  const people = new Map([[ada.name, 'operator' as const]]);
  return createOidc({ issuer: issuer.url, audience: 'jobspawn', people }, { clock, ...times });
}

/** Every token asks the issuer anew, as after ten minutes. */
const findAnew = () => findWith({ cooldownMs: 0, freshMs: 0 });

const fromNow = () => ({ claims: { iat: seconds(), exp: seconds() + 60 } });

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
const seconds = () => Math.floor(now / 1000);

test.each(['RS256', 'ES256'])(
  'a token with %s of the issuer is that of a person on the list',
  async (alg) => {
    await issuer.rotate(alg);
    expect(await find(await issuer.sign({ alg }))).toEqual(ada);
  },
);

describe('a token opens nothing', () => {
  test.each([
    ['of another issuer', { iss: 'https://evil.example.com' }],
    ['for another audience', { aud: 'another-service' }],
    ['without an audience', { aud: undefined }],
    ['of who is not on the list', { email: 'eve@example.com' }],
    ['with an address that nobody has verified', { email_verified: false }],
    ['with a word for a verification', { email_verified: 'true' }],
    ['that does not say whether the address was verified', { email_verified: undefined }],
    ['without an address', { email: undefined }],
    ['that has expired', { exp: Math.floor(Date.now() / 1000) - 60 }],
    ['that never expires', { exp: undefined }],
    ['that is not valid yet', { nbf: Math.floor(Date.now() / 1000) + 120 }],
    ['from the future', { iat: Math.floor(Date.now() / 1000) + 120 }],
    ['that does not say when it was made', { iat: undefined }],
    ['made for years', { iat: Math.floor(Date.now() / 1000) - 25 * 3600 }],
  ])('%s', async (_, claims) => {
    expect(await find(await issuer.sign({ claims }))).toBeUndefined();
  });

  test('signed by nobody (alg none)', async () => {
    const claims = encode(issuer.claims());
    expect(await find(`${encode({ alg: 'none' })}.${claims}.`)).toBeUndefined();
    const [, , signature] = (await issuer.sign()).split('.');
    expect(await find(`${encode({ alg: 'none' })}.${claims}.${signature}`)).toBeUndefined();
  });

  test('signed with the public key as if it were a shared secret (HS256)', async () => {
    const pem = createPublicKey({ key: { ...issuer.publicKey() }, format: 'jwk' });
    const secret = Buffer.from(pem.export({ type: 'spki', format: 'pem' }));
    const forged = new SignJWT(issuer.claims()).setProtectedHeader({ alg: 'HS256' });
    expect(await find(await forged.sign(secret))).toBeUndefined();
  });

  test('signed by another key under the name of the right one', async () => {
    const other = await startTokenIssuer();
    const forged = await other.sign({
      claims: { iss: issuer.url },
      kid: String(issuer.publicKey()?.kid),
    });
    expect(await find(forged)).toBeUndefined();
    await other.stop();
  });

  test('whose claims were changed after it was signed', async () => {
    const [head, , signature] = (await issuer.sign({ claims: { email: 'eve@example.com' } })).split('.');
    expect(await find(`${head}.${encode(issuer.claims())}.${signature}`)).toBeUndefined();
  });
});

test('clocks may be half a minute apart', async () => {
  expect(await find(await issuer.sign({ claims: { exp: seconds() - 20 } }))).toEqual(ada);
  expect(await find(await issuer.sign({ claims: { iat: seconds() + 20 } }))).toEqual(ada);
});

describe('the keys', () => {
  test('are fetched once, and again when the issuer has new ones', async () => {
    for (let nth = 0; nth < 3; nth += 1) expect(await find(await issuer.sign())).toEqual(ada);
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/jwks']);
    const old = await issuer.sign();
    await issuer.rotate();
    expect(await find(await issuer.sign())).toEqual(ada);
    expect(issuer.asked).toHaveLength(3);
    expect(await find(old)).toBeUndefined();
  });

  test('are not fetched for every made-up name of a key', async () => {
    const calm = findWith({ cooldownMs: 30_000 });
    for (let nth = 0; nth < 5; nth += 1) {
      expect(await calm(await issuer.sign({ kid: `made-up-${nth}` }))).toBeUndefined();
    }
    expect(issuer.asked).toHaveLength(2);
  });

  test('are not fetched for what is no ID token, such as a mistyped token of our own', async () => {
    for (const secret of ['jsp_mistyped', 'a.b', 'a.b.c', 'a.b.c.d', ''])
      expect(await find(secret)).toBeUndefined();
    expect(issuer.asked).toHaveLength(0);
  });

  test('are not taken from a document of another issuer', async () => {
    issuer.behaviour.issuer = 'https://evil.example.com';
    await expect(find(await issuer.sign())).rejects.toMatchObject({ code: 'unavailable' });
    expect(issuer.asked).not.toContain('/jwks');
  });

  test('that are known go on to count while the issuer is away, and it is left alone for a while', async () => {
    expect(await find(await issuer.sign())).toEqual(ada);
    issuer.behaviour.status = 500;
    const unknown = await issuer.sign({ kid: 'unknown' });
    for (let nth = 0; nth < 3; nth += 1) {
      await expect(find(unknown)).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 10 });
    }
    expect(issuer.asked).toHaveLength(3);
    expect(await find(await issuer.sign())).toEqual(ada);
    issuer.behaviour.status = 200;
    now += 10_000;
    await issuer.rotate();
    expect(await find(await issuer.sign())).toEqual(ada);
  });
});

describe('keys that are no longer fresh', () => {
  test('go on to count for a day while the issuer is away, and no longer', async () => {
    const anew = findAnew();
    expect(await anew(await issuer.sign())).toEqual(ada);
    issuer.behaviour.status = 500;
    now += 24 * 60 * 60 * 1000 - 1;
    expect(await anew(await issuer.sign(fromNow()))).toEqual(ada);
    const unknown = issuer.sign({ ...fromNow(), kid: 'unknown' });
    await expect(anew(await unknown)).rejects.toMatchObject({ code: 'unavailable' });
    now += 1;
    await expect(anew(await issuer.sign(fromNow()))).rejects.toMatchObject({ code: 'unavailable' });
    issuer.behaviour.status = 200;
    now += 10_000;
    expect(await anew(await issuer.sign(fromNow()))).toEqual(ada);
  });

  test('are looked for where the document says then', async () => {
    const anew = findAnew();
    expect(await anew(await issuer.sign())).toEqual(ada);
    issuer.behaviour.keysPath = '/moved';
    await issuer.rotate();
    expect(await anew(await issuer.sign())).toEqual(ada);
    expect(issuer.asked.slice(-2)).toEqual(['/.well-known/openid-configuration', '/moved']);
  });

  test('are fetched from where they were while the document cannot be read', async () => {
    const anew = findAnew();
    expect(await anew(await issuer.sign())).toEqual(ada);
    issuer.behaviour.issuer = 'https://evil.example.com';
    await issuer.rotate();
    expect(await anew(await issuer.sign())).toEqual(ada);
  });
});

test('over HTTP it is a bearer token like any other; where nobody can tell, what is open stays open', async () => {
  const auth = { kind: 'token', bootstrapTokenFile: undefined, isHttps: false, oidc: undefined } as const;
  const side = await startHttpSide({ auth, findPerson: find });
  const ask = async (path: string, claims = {}) =>
    request(side.url)
      .get(path)
      .set('Authorization', `Bearer ${await issuer.sign({ claims })}`);
  expect((await ask('/api/v1/jobs')).status).toBe(200);
  expect((await ask('/api/v1/jobs', { email: 'eve@example.com' })).status).toBe(401);
  issuer.behaviour.status = 500;
  await issuer.rotate();
  const { status, headers } = await ask('/api/v1/jobs');
  expect({ status, retry: headers['retry-after'] }).toEqual({ status: 503, retry: '10' });
  expect((await ask('/readyz')).body).toEqual({ ready: true });
  await side.stop();
});
