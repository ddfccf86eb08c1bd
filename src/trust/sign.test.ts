import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageTree } from '../testing/corpus.js';
import { Keyring, type SigningHash, signModule, verifyModule } from './index.js';
import { ownCertificate, trustFile, trustPath } from './testing/own-files.js';

const HASHES: readonly SigningHash[] = ['sha1', 'sha256', 'sha384', 'sha512'];
const module = trustFile('trustme.ko');
const signed = (key: string, hash: SigningHash, pem = trustFile(`keys/${key}.pem`)) =>
  signModule(module, { key: pem, certificate: trustFile(`keys/${key}.crt`), hash });

/** Runs a test with a folder that is gone afterwards. */
async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'modbox-sign-'));
  try {
    await test(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const hasOpenssl = existsSync('/usr/bin/openssl');
const openssl = (args: readonly string[]): Buffer => execFileSync('openssl', args, { stdio: 'pipe' });

describe('signing', async () => {
  const kbuild = await packageTree('linux-kbuild-6.1');
  const signFile = `${kbuild}/usr/lib/linux-kbuild-6.1/scripts/sign-file`;

  for (const key of ['rsa', 'p256', 'p384'])
    for (const hash of HASHES)
      it(`with ${key} and ${hash} makes what the kernel trusts`, async () => {
        const verdict = verifyModule(await signed(key, hash), Keyring.of([ownCertificate(key)]), 'test.ko');
        expect(verdict).toMatchObject({ trusted: true, digest: hash, size: module.length });
      });

  it('with RSA makes the message that OpenSSL makes', async () => {
    for (const hash of HASHES) {
      const bytes = await signed('rsa', hash);
      const message = trustFile(`signatures/rsa-${hash}.p7s`);
      expect(Buffer.from(bytes).subarray(module.length, module.length + message.length)).toEqual(
        Buffer.from(message),
      );
    }
  });

  it.skipIf(kbuild === undefined)(
    "with RSA makes what the kernel's sign-file makes, byte for byte",
    async () => {
      await inFolder(async (folder) => {
        for (const hash of HASHES) {
          const to = join(folder, `${hash}.ko`);
          const key = trustPath('keys/rsa.pem');
          execFileSync(signFile, [hash, key, trustPath('keys/rsa.crt'), trustPath('trustme.ko'), to]);
          expect(Buffer.compare(readFileSync(to), await signed('rsa', hash))).toBe(0);
        }
      });
    },
  );

  it.skipIf(!hasOpenssl)('with ECDSA makes what OpenSSL verifies', async () => {
    await inFolder(async (folder) => {
      for (const key of ['p256', 'p384']) {
        const bytes = await signed(key, 'sha384');
        const end = bytes.length - 28 - 12;
        const size = Buffer.from(bytes).readUInt32BE(end + 8);
        writeFileSync(join(folder, 'message'), bytes.subarray(end - size, end));
        const files = ['-in', join(folder, 'message'), '-content', trustPath('trustme.ko')];
        const certificate = [
          '-certfile',
          trustPath(`keys/${key}.crt`),
          '-CAfile',
          trustPath(`keys/${key}.crt`),
        ];
        const out = ['-out', join(folder, 'content'), '-purpose', 'any'];
        openssl(['cms', '-verify', '-binary', '-inform', 'DER', ...files, ...certificate, ...out]);
      }
    });
  });

  it.skipIf(!hasOpenssl)('takes keys of every usual form, and certificates in DER', async () => {
    await inFolder(async (folder) => {
      const forms = [['-traditional'], ['-outform', 'DER'], ['-traditional', '-outform', 'DER']];
      for (const key of ['rsa', 'p384'])
        for (const form of forms) {
          openssl(['pkey', '-in', trustPath(`keys/${key}.pem`), ...form, '-out', join(folder, 'key')]);
          const given = { key: readFileSync(join(folder, 'key')), certificate: ownCertificate(key) };
          const bytes = await signModule(module, { ...given, hash: 'sha256' });
          expect(verifyModule(bytes, Keyring.of([ownCertificate(key)]), 'test.ko').trusted).toBe(true);
        }
    });
  });

  it.skipIf(!hasOpenssl)('refuses encrypted keys, of either form, with advice', async () => {
    await inFolder(async (folder) => {
      const conversions = [
        ['pkey', '-aes256'],
        ['pkey', '-aes256', '-traditional'],
        ['pkcs8', '-topk8', '-v2', 'aes256', '-outform', 'DER'],
      ];
      for (const conversion of conversions) {
        const files = ['-in', trustPath('keys/rsa.pem'), '-out', join(folder, 'key')];
        openssl([...conversion, '-passout', 'pass:secret', ...files]);
        await expect(signed('rsa', 'sha256', readFileSync(join(folder, 'key')))).rejects.toThrow(
          'the private key is encrypted: decrypt it first, with openssl pkey',
        );
      }
    });
  });

  it('refuses a key that is not the certificate’s, and what is no key', async () => {
    const certificate = trustFile('keys/rsa.crt');
    const sign = (key: Uint8Array) => signModule(module, { key, certificate, hash: 'sha256' });
    await expect(sign(trustFile('keys/p256.pem'))).rejects.toThrow(
      'the key is for ecdsa, the certificate for rsa',
    );
    await expect(sign(certificate)).rejects.toThrow('there is no private key in the PEM file');
    await expect(sign(new TextEncoder().encode('nonsense'))).rejects.toThrow(
      'no private key that modbox can read',
    );
    await expect(sign(new Uint8Array())).rejects.toThrow('no private key that modbox can read');
  });

  it('signs a signed module again, signature and all', async () => {
    const once = await signed('rsa', 'sha256');
    const key = { key: trustFile('keys/p256.pem'), certificate: trustFile('keys/p256.crt') };
    const twice = await signModule(once, { ...key, hash: 'sha256' });
    const verdict = verifyModule(twice, Keyring.of([ownCertificate('p256')]), 'test.ko');
    expect(verdict).toMatchObject({ trusted: true, size: once.length });
  });
});
