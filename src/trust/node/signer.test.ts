import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detachedSignature, SIGNING_HASHES, type SigningHash } from '../sign.js';
import { nodeSigner } from './signer.js';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const CONTENT = Buffer.from('what is signed');
let folder: string;
const path = (name: string): string => join(folder, name);
const openssl = (...args: string[]): void => {
  execFileSync('openssl', args, { stdio: 'ignore' });
};

function makeKey(name: string, ...kind: string[]): void {
  const files = ['-keyout', path(`${name}.key`), '-out', path(`${name}.crt`)];
  openssl('req', '-new', '-x509', '-nodes', '-days', '99', '-subj', '/CN=acme', '-newkey', ...kind, ...files);
}

async function message(
  name: string,
  hash: SigningHash,
  pin?: string,
  key = `${name}.key`,
): Promise<Uint8Array> {
  return await detachedSignature(CONTENT, {
    key: nodeSigner(readFileSync(path(key)), pin),
    certificate: readFileSync(path(`${name}.crt`)),
    hash,
  });
}

/** Whether OpenSSL, which sign-file is made of, finds the message good. */
function isGood(signed: Uint8Array, name: string): boolean {
  writeFileSync(path('message'), signed);
  writeFileSync(path('content'), CONTENT);
  const input = ['-inform', 'DER', '-in', path('message'), '-content', path('content')];
  const certificate = ['-noverify', '-certfile', path(`${name}.crt`)];
  return spawnSync('openssl', ['cms', '-verify', '-binary', ...input, ...certificate]).status === 0;
}

describe.skipIf(!hasOpenssl)('a key that OpenSSL can read', () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'modbox-signer-'));
    makeKey('rsa', 'rsa:2048');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([...SIGNING_HASHES])('signs with %s', async (hash) => {
    expect(isGood(await message('rsa', hash), 'rsa')).toBe(true);
  });

  it.each(['prime256v1', 'secp384r1', 'secp521r1', 'secp256k1', 'brainpoolP256r1'])(
    'is on the curve %s',
    async (curve) => {
      makeKey('ec', 'ec', '-pkeyopt', `ec_paramgen_curve:${curve}`);
      expect(isGood(await message('ec', 'sha384'), 'ec')).toBe(true);
    },
  );

  it.each([[['pkey', '-aes256']], [['rsa', '-aes128', '-traditional']]])(
    'is encrypted (%s), and its passphrase is asked for',
    async ([command, ...cipher]) => {
      const files = ['-in', path('rsa.key'), '-out', path('locked.key'), '-passout', 'pass:secret'];
      openssl(command, ...cipher, ...files);
      expect(isGood(await message('rsa', 'sha256', 'secret', 'locked.key'), 'rsa')).toBe(true);
      await expect(message('rsa', 'sha256', undefined, 'locked.key')).rejects.toThrow(
        /KBUILD_SIGN_PIN has to/,
      );
      await expect(message('rsa', 'sha256', 'wrong', 'locked.key')).rejects.toThrow(
        /KBUILD_SIGN_PIN may be wrong/,
      );
    },
  );

  it('is of DER too, and of no kind that the kernel has no use for', async () => {
    openssl('pkey', '-in', path('rsa.key'), '-outform', 'DER', '-out', path('der.key'));
    expect(isGood(await message('rsa', 'sha256', undefined, 'der.key'), 'rsa')).toBe(true);
    openssl('genpkey', '-algorithm', 'ed25519', '-out', path('ed.key'));
    await expect(message('rsa', 'sha256', undefined, 'ed.key')).rejects.toThrow(/ed25519/);
    writeFileSync(path('junk.key'), 'junk');
    await expect(message('rsa', 'sha256', undefined, 'junk.key')).rejects.toThrow(/no private key/);
    makeKey('other', 'rsa:2048');
    await expect(message('other', 'sha256', undefined, 'rsa.key')).rejects.toThrow(
      /not that of the certificate/,
    );
  });
});
