import { DER, DerReader, oidText } from '../formats/der.js';
import { bigIntOf } from './bytes.js';
import { Refused } from './verdict.js';

export interface RsaKey {
  readonly kind: 'rsa';
  readonly modulus: bigint;
  readonly exponent: bigint;
  /** Size of the modulus, and of every signature, in bytes. */
  readonly bytes: number;
}

export type Curve = 'P-256' | 'P-384';

export interface EcKey {
  readonly kind: 'ecdsa';
  readonly curve: Curve;
  /** The point, uncompressed (SEC 1, 2.3.3). */
  readonly point: Uint8Array;
}

export type PublicKey = RsaKey | EcKey;

export const RSA = '1.2.840.113549.1.1.1';
export const EC_PUBLIC_KEY = '1.2.840.10045.2.1';
const CURVES: ReadonlyMap<string, Curve> = new Map([
  ['1.2.840.10045.3.1.7', 'P-256'],
  ['1.3.132.0.34', 'P-384'],
]);

/** Reads a SubjectPublicKeyInfo (RFC 5280, 4.1). `bytes` is the element with its header. */
export function parsePublicKey(bytes: Uint8Array, file: string): PublicKey {
  const info = DerReader.of(bytes, file).into('subjectPublicKeyInfo', DER.sequence);
  const algorithm = info.into('algorithm', DER.sequence);
  const oid = oidText(algorithm.contents('algorithm', DER.oid));
  // The first octet counts the unused bits: none.
  const key = info.contents('subjectPublicKey', DER.bitString).subarray(1);
  if (oid === RSA) return rsaKey(key, file);
  if (oid !== EC_PUBLIC_KEY) throw new Refused('ENOPKG', `a key of the unknown kind ${oid}`);
  const curveOid = oidText(algorithm.contents('namedCurve', DER.oid));
  const curve = CURVES.get(curveOid);
  if (curve === undefined) throw new Refused('ENOPKG', `a key on the unknown curve ${curveOid}`);
  return { kind: 'ecdsa', curve, point: key };
}

/** RSAPublicKey of RFC 8017, A.1.1. */
function rsaKey(bytes: Uint8Array, file: string): RsaKey {
  const key = DerReader.of(bytes, `${file}: RSA key`).into('RSAPublicKey', DER.sequence);
  const modulus = bigIntOf(key.contents('modulus', DER.integer));
  const exponent = bigIntOf(key.contents('publicExponent', DER.integer));
  return { kind: 'rsa', modulus, exponent, bytes: Math.ceil(modulus.toString(16).length / 2) };
}
