import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { variant } from '../../tests/modules/trust/variants.mjs';
import { loadBundled } from '../target/node/index.js';
import { CORPUS_RELEASE, corpusTree } from '../testing/corpus.js';
import { Random } from '../testing/random.js';
import { Keyring, type ModuleCheckOptions, portableVerifier, verifyModule } from './index.js';
import { nodeVerifier } from './node/verifier.js';
import { ownCertificate } from './testing/own-files.js';

const debianKeys = Keyring.of(loadBundled().certificates);
const ownKeys = Keyring.of(['rsa', 'p256', 'p384'].map(ownCertificate));
const nobody = new Keyring();

/** How a check ends, in a word. */
function outcome(bytes: Uint8Array, keyring: Keyring, options: ModuleCheckOptions = {}): string {
  const verdict = verifyModule(bytes, keyring, 'test.ko', { verifier: nodeVerifier, ...options });
  return verdict.trusted ? 'trusted' : verdict.code;
}

describe('a module signed with a key of the keyring', () => {
  const signed = [
    'rsa-md5',
    'rsa-sha1',
    'rsa-sha224',
    'rsa-sha256',
    'rsa-sha384',
    'rsa-sha512',
    'rsa-keyid',
    'rsa-certificate',
    'p256-sha256',
    'p384-sha384',
    'p256-certificate',
  ];
  for (const name of signed)
    it(`is trusted: ${name}`, () => {
      const bytes = variant(`signed-${name}`);
      const verdict = verifyModule(bytes, ownKeys, 'test.ko');
      expect(verdict).toMatchObject({
        trusted: true,
        signer: { name: `modbox test key ${name.split('-')[0]}` },
      });
      expect(bytes.subarray(0, verdict.size)).toEqual(variant('trustme'));
      expect(outcome(bytes, ownKeys)).toBe('trusted');
    });

  for (const name of signed)
    it(`is not when the key is not there: ${name}`, () => {
      expect(outcome(variant(`signed-${name}`), nobody)).toBe('ENOKEY');
    });

  for (const name of signed)
    it(`is refused when it was changed: ${name}`, () => {
      const bytes = variant(`signed-${name}`);
      bytes[100] ^= 1;
      expect(outcome(bytes, ownKeys)).toBe('EKEYREJECTED');
    });

  it('is refused with attributes, with data of its own, and in ways that the kernel does not know', () => {
    expect(outcome(variant('signed-rsa-attributes'), ownKeys)).toBe('EKEYREJECTED');
    expect(outcome(variant('signed-rsa-attached'), ownKeys)).toBe('EBADMSG');
    expect(outcome(variant('signed-rsa-pss'), ownKeys)).toBe('ENOPKG');
    expect(outcome(variant('signed-rsa-sha3-256'), ownKeys)).toBe('ENOPKG');
  });

  it('is not looked at when it is loaded with force', () => {
    expect(outcome(variant('signed-rsa-sha256'), ownKeys, { forced: true })).toBe('ENODATA');
  });

  it('needs what the kernel may not have', () => {
    const without = (missing: string) => ({ supports: (algorithm: string) => algorithm !== missing });
    expect(outcome(variant('signed-rsa-sha512'), ownKeys, without('sha512'))).toBe('ENOPKG');
    expect(outcome(variant('signed-p256-sha256'), ownKeys, without('ecdsa'))).toBe('EKEYREJECTED');
    expect(outcome(variant('signed-p256-sha256'), nobody, without('ecdsa'))).toBe('ENOKEY');
    expect(outcome(variant('signed-p256-certificate'), nobody, without('ecdsa'))).toBe('ENOENT');
  });
});

describe('what is no signature', () => {
  it('is said to be none', () => {
    expect(outcome(variant('trustme'), ownKeys)).toBe('ENODATA');
    expect(outcome(new Uint8Array(), ownKeys)).toBe('ENODATA');
    expect(outcome(variant('marker'), ownKeys)).toBe('ENODATA');
  });

  it('is malformed where only the end is there', () => {
    expect(outcome(variant('trailer'), ownKeys)).toBe('EBADMSG');
    expect(outcome(variant('message'), ownKeys)).toBe('EBADMSG');
  });

  it('never gets past the check, whatever became of its bytes', () => {
    const random = new Random(7);
    const bytes = variant('signed-p256-certificate');
    const from = variant('trustme').length;
    for (let i = 0; i < 400; i++) {
      const copy = Uint8Array.from(bytes);
      for (let n = 1 + random.below(4); n > 0; n--)
        copy[from + random.below(copy.length - from)] = random.below(256);
      const verdict = verifyModule(copy, nobody, 'test.ko');
      expect(verdict.trusted).toBe(false);
    }
  });
});

describe('modules of Debian', async () => {
  const tree = await corpusTree();
  const kernel = `${tree}/lib/modules/${CORPUS_RELEASE}/kernel`;
  const files =
    tree === undefined
      ? []
      : (readdirSync(kernel, { recursive: true }) as string[]).filter((file) => file.endsWith('.ko')).sort();

  it.skipIf(tree === undefined)(
    'all verify against the certificate of their kernel',
    { timeout: 120_000 },
    () => {
      const refused = files.filter(
        (file) => outcome(readFileSync(join(kernel, file)), debianKeys) !== 'trusted',
      );
      expect(files).toHaveLength(4023);
      expect(refused).toEqual([]);
    },
  );

  it.skipIf(tree === undefined)(
    'do not with one flipped bit anywhere in the module',
    { timeout: 120_000 },
    () => {
      const random = new Random(1);
      for (let i = 0; i < 300; i++) {
        const bytes = new Uint8Array(readFileSync(join(kernel, files[random.below(files.length)])));
        const verdict = verifyModule(bytes, debianKeys, 'test.ko', { verifier: nodeVerifier });
        bytes[random.below(verdict.size)] ^= 1 << random.below(8);
        expect(outcome(bytes, debianKeys)).toBe('EKEYREJECTED');
      }
    },
  );

  it.skipIf(tree === undefined)(
    'do not with one in the signature, but where the kernel does not look',
    () => {
      const bytes = new Uint8Array(readFileSync(`${kernel}/lib/crc7.ko`));
      const { size } = verifyModule(bytes, debianKeys, 'crc7.ko');
      const accepted: number[] = [];
      for (let at = size; at < bytes.length; at++) {
        const copy = Uint8Array.from(bytes);
        copy[at] ^= 1;
        if (outcome(copy, debianKeys) === 'trusted') accepted.push(at - size);
      }
      // The list of digests before the signer's, a sequence for the set of signers, the tag of RSA's parameters.
      expect(accepted).toEqual([32, 33, 34, 35, 36, 37, 38, 39, 40, 54, 163]);
    },
  );

  it.each(['p256-sha256', 'p384-sha384'])('give the same with and without node:crypto: %s', (name) => {
    const bytes = variant(`signed-${name}`);
    const { size } = verifyModule(bytes, ownKeys, 'test.ko');
    // The signature proper is what stands before the trailer.
    for (let at = bytes.length - 40 - 110; at < bytes.length - 40; at += 2) {
      expect(at).toBeGreaterThan(size);
      const copy = Uint8Array.from(bytes);
      copy[at] ^= 1;
      expect(outcome(copy, ownKeys)).toBe(outcome(copy, ownKeys, { verifier: portableVerifier }));
    }
  });

  it.skipIf(tree === undefined)('give the same with and without node:crypto', () => {
    for (const file of files.filter((_, i) => i % 400 === 0)) {
      const bytes = readFileSync(join(kernel, file));
      const verifiers = [nodeVerifier, portableVerifier];
      expect(verifiers.map((verifier) => outcome(bytes, debianKeys, { verifier }))).toEqual([
        'trusted',
        'trusted',
      ]);
      bytes[0x40] ^= 1;
      expect(verifiers.map((verifier) => outcome(bytes, debianKeys, { verifier }))).toEqual([
        'EKEYREJECTED',
        'EKEYREJECTED',
      ]);
    }
  });
});
