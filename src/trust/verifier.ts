import { p256, p384 } from '@noble/curves/nist.js';
import { bigIntOf, bytesOfBigInt, concatBytes, sameBytes } from './bytes.js';
import { type DigestName, portableDigest } from './digest.js';
import type { EcKey, PublicKey, RsaKey } from './public-key.js';

/** What a signature is over: libraries want either the data or its digest. */
export interface Signed {
  readonly algorithm: DigestName;
  readonly data: Uint8Array;
  readonly digest: Uint8Array;
}

/**
 * Computes digests and checks signatures. Synchronous, since a module may be loaded in the midst of another's
 * init. See `portableVerifier`, and `nodeVerifier` of src/trust/node, which is faster.
 */
export interface Verifier {
  digest(name: DigestName, bytes: Uint8Array): Uint8Array;
  /** Whether `signature` is that of this data by the owner of the key. */
  verify(key: PublicKey, signed: Signed, signature: Uint8Array): boolean;
}

/** Data with its digest, to be verified. */
export function signedBy(verifier: Verifier, algorithm: DigestName, data: Uint8Array): Signed {
  return { algorithm, data, digest: verifier.digest(algorithm, data) };
}

/** In TypeScript, for every place where modbox runs. */
export const portableVerifier: Verifier = {
  digest: portableDigest,
  verify: (key, signed, signature) =>
    key.kind === 'rsa' ? verifyRsa(key, signed, signature) : verifyEcdsa(key, signed.digest, signature),
};

/** RSASSA-PKCS1-v1_5 (RFC 8017, 8.2.2). */
function verifyRsa(key: RsaKey, { algorithm, digest }: Signed, signature: Uint8Array): boolean {
  if (signature.length !== key.bytes) return false;
  const value = bigIntOf(signature);
  if (value >= key.modulus) return false;
  const expected = paddedDigest(algorithm, digest, key.bytes);
  if (expected === undefined) return false;
  return sameBytes(bytesOfBigInt(power(value, key.exponent, key.modulus), key.bytes), expected);
}

/** DigestInfo up to the digest, without the two lengths: AlgorithmIdentifier with NULL parameters (RFC 8017, 9.2). */
const ALGORITHMS: Readonly<Record<DigestName, readonly number[]>> = {
  md5: [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05],
  sha1: [0x2b, 0x0e, 0x03, 0x02, 0x1a],
  sha224: [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04],
  sha256: [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01],
  sha384: [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02],
  sha512: [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03],
};

/** At least eight octets of padding stand before the digest. */
const LEAST_PADDING = 11;

/** What a signature stands for: EMSA-PKCS1-v1_5 (RFC 8017, 9.2). Undefined where the key is too small for it. */
export function paddedDigest(name: DigestName, digest: Uint8Array, size: number): Uint8Array | undefined {
  const oid = ALGORITHMS[name];
  const algorithm = [0x06, oid.length, ...oid, 0x05, 0x00];
  const head = [
    0x30,
    algorithm.length + digest.length + 4,
    0x30,
    algorithm.length,
    ...algorithm,
    0x04,
    digest.length,
  ];
  const padding = size - head.length - digest.length - LEAST_PADDING;
  if (padding < 0) return undefined;
  const filled = new Uint8Array(padding + LEAST_PADDING).fill(0xff);
  filled.set([0x00, 0x01]);
  filled[filled.length - 1] = 0x00;
  return concatBytes([filled, Uint8Array.from(head), digest]);
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** ECDSA with a DER-encoded signature (RFC 3279, 2.2.3). */
function verifyEcdsa(key: EcKey, digest: Uint8Array, signature: Uint8Array): boolean {
  const curve = key.curve === 'P-256' ? p256 : p384;
  try {
    return curve.verify(signature, digest, key.point, { prehash: false, format: 'der', lowS: false });
  } catch {
    // The library's answer to bytes that are no signature, or no point.
    return false;
  }
}
