import {
  constants,
  createHash,
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
  publicDecrypt,
  verify,
} from 'node:crypto';
import { bytesOfBigInt, sameBytes } from '../bytes.js';
import type { EcKey, PublicKey, RsaKey } from '../public-key.js';
import { paddedDigest, portableVerifier, type Signed, type Verifier } from '../verifier.js';

/** First octet of a point with both coordinates (SEC 1, 2.3.3). */
const UNCOMPRESSED = 4;

const keys = new WeakMap<PublicKey, KeyObject>();

/** With node:crypto: some fifty times as fast for RSA and ECDSA. */
export const nodeVerifier: Verifier = {
  digest: (name, bytes) => createHash(name).update(bytes).digest(),
  verify: (key, signed, signature) =>
    key.kind === 'rsa' ? verifyRsa(key, signed, signature) : verifyEcdsa(key, signed, signature),
};

function verifyRsa(key: RsaKey, { algorithm, digest }: Signed, signature: Uint8Array): boolean {
  const expected = paddedDigest(algorithm, digest, key.bytes);
  if (expected === undefined || signature.length !== key.bytes) return false;
  try {
    const opened = publicDecrypt(
      { key: keyObject(key, rsaJwk), padding: constants.RSA_NO_PADDING },
      signature,
    );
    return sameBytes(opened, expected);
  } catch {
    // OpenSSL's answer to a number beyond the modulus.
    return false;
  }
}

/** What OpenSSL does not take for a key, the portable verifier has the last word on. */
function verifyEcdsa(key: EcKey, signed: Signed, signature: Uint8Array): boolean {
  const object = ecKeyObject(key);
  if (object === undefined) return portableVerifier.verify(key, signed, signature);
  return verify(signed.algorithm, signed.data, { key: object, dsaEncoding: 'der' }, signature);
}

function ecKeyObject(key: EcKey): KeyObject | undefined {
  if (key.point[0] !== UNCOMPRESSED) return undefined;
  try {
    return keyObject(key, ecJwk);
  } catch {
    return undefined;
  }
}

function keyObject<K extends PublicKey>(key: K, jwkOf: (key: K) => JsonWebKey): KeyObject {
  const known = keys.get(key);
  if (known) return known;
  const made = createPublicKey({ key: jwkOf(key), format: 'jwk' });
  keys.set(key, made);
  return made;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

function rsaJwk({ modulus, exponent, bytes }: RsaKey): JsonWebKey {
  const exponentBytes = Math.ceil(exponent.toString(16).length / 2);
  return {
    kty: 'RSA',
    n: text(bytesOfBigInt(modulus, bytes)),
    e: text(bytesOfBigInt(exponent, exponentBytes)),
  };
}

function ecJwk({ curve, point }: EcKey): JsonWebKey {
  const half = (point.length - 1) / 2;
  return { kty: 'EC', crv: curve, x: text(point.subarray(1, 1 + half)), y: text(point.subarray(1 + half)) };
}
