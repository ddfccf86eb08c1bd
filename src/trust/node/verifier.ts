import { constants, createHash, createPublicKey, type KeyObject, publicDecrypt } from 'node:crypto';
import { bytesOfBigInt, sameBytes } from '../bytes.js';
import type { RsaKey } from '../public-key.js';
import { paddedDigest, portableVerifier, type Verifier } from '../verifier.js';

const keys = new WeakMap<RsaKey, KeyObject>();

/** With node:crypto, where it can check a signature of a digest alone: digests and RSA. */
export const nodeVerifier: Verifier = {
  digest: (name, bytes) => createHash(name).update(bytes).digest(),
  verify(key, name, digest, signature) {
    if (key.kind !== 'rsa') return portableVerifier.verify(key, name, digest, signature);
    const expected = paddedDigest(name, digest, key.bytes);
    if (expected === undefined || signature.length !== key.bytes) return false;
    try {
      const opened = publicDecrypt({ key: keyObject(key), padding: constants.RSA_NO_PADDING }, signature);
      return sameBytes(opened, expected);
    } catch {
      // OpenSSL's answer to a number beyond the modulus.
      return false;
    }
  },
};

function keyObject(key: RsaKey): KeyObject {
  const known = keys.get(key);
  if (known) return known;
  const text = (value: bigint, size: number): string =>
    Buffer.from(bytesOfBigInt(value, size)).toString('base64url');
  const exponentBytes = Math.ceil(key.exponent.toString(16).length / 2);
  const made = createPublicKey({
    key: { kty: 'RSA', n: text(key.modulus, key.bytes), e: text(key.exponent, exponentBytes) },
    format: 'jwk',
  });
  keys.set(key, made);
  return made;
}
