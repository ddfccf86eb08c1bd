import { DER, DerReader, oidText } from '../formats/der.js';
import { FormatError } from '../formats/format-error.js';
import { DerWriter } from './der-writer.js';
import type { Curve } from './public-key.js';
import { EC_PUBLIC_KEY, RSA } from './public-key.js';
import { SignError } from './sign-error.js';

export type PrivateKey =
  | { readonly kind: 'rsa'; readonly pkcs8: Uint8Array }
  | { readonly kind: 'ecdsa'; readonly curve: Curve; readonly pkcs8: Uint8Array };

interface PemBlock {
  readonly label: string;
  readonly der: Uint8Array;
}

const CURVE_OIDS: Readonly<Record<string, Curve>> = {
  '1.2.840.10045.3.1.7': 'P-256',
  '1.3.132.0.34': 'P-384',
};

/** The first certificate of a PEM file, or a DER file as it is. */
export function certificateDer(file: Uint8Array): Uint8Array {
  return certificatesDer(file)[0];
}

/** The certificates of a PEM file, at least one, or a DER file as it is. Throws SignError where PEM has none. */
export function certificatesDer(file: Uint8Array): readonly Uint8Array[] {
  const blocks = pemBlocks(file);
  if (blocks === undefined) return [file];
  const found = blocks.filter(({ label }) => label === 'CERTIFICATE' || label === 'X509 CERTIFICATE');
  if (found.length === 0) throw new SignError('there is no certificate in the PEM file');
  return found.map(({ der }) => der);
}

/** The private key of a file, PEM or DER, in PKCS#8 (RFC 5208), which is what Web Crypto takes. */
export function privateKey(file: Uint8Array): PrivateKey {
  const blocks = pemBlocks(file);
  if (blocks === undefined) return fromDer(file);
  const found = blocks.find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (!found) throw new SignError('there is no private key in the PEM file');
  if (found.label === 'ENCRYPTED PRIVATE KEY') throw encrypted();
  return fromDer(found.der);
}

function encrypted(): SignError {
  return new SignError('the private key is encrypted: decrypt it first, with openssl pkey');
}

/** The blocks of a PEM file (RFC 7468), undefined where it is none. */
function pemBlocks(file: Uint8Array): PemBlock[] | undefined {
  const text = new TextDecoder('latin1').decode(file);
  if (!text.includes('-----BEGIN ')) return undefined;
  return [...text.matchAll(/-----BEGIN ([^\r\n]*)-----\r?\n([\s\S]*?)-----END \1-----/g)].map(
    ([, label, body]) => {
      if (/^Proc-Type: 4,ENCRYPTED/m.test(body)) throw encrypted();
      return { label, der: fromBase64(label, body) };
    },
  );
}

function fromBase64(label: string, body: string): Uint8Array {
  try {
    return Uint8Array.from(atob(body.replace(/\s+/g, '')), (letter) => letter.charCodeAt(0));
  } catch {
    throw new SignError(`${label}: what is between the lines of PEM is not base64`);
  }
}

function fromDer(der: Uint8Array): PrivateKey {
  try {
    return readKey(der);
  } catch (error) {
    if (error instanceof FormatError)
      throw new SignError(`no private key that modbox can read: ${error.message}`);
    throw error;
  }
}

/** PKCS#8 has an AlgorithmIdentifier behind the version, PKCS#1 a number, SEC 1 an octet string. */
function readKey(der: Uint8Array): PrivateKey {
  const key = DerReader.of(der, 'key').into('PrivateKey', DER.sequence);
  if (key.has(DER.sequence)) throw encrypted();
  key.next('version', DER.integer);
  if (key.has(DER.integer))
    return { kind: 'rsa', pkcs8: wrapped(der, DerWriter.oid(RSA), DerWriter.raw(0x05, new Uint8Array())) };
  if (key.has(DER.octetString)) return sec1(der, key);
  const algorithm = key.into('privateKeyAlgorithm', DER.sequence);
  const kind = oidText(algorithm.contents('algorithm', DER.oid));
  if (kind === RSA) return { kind: 'rsa', pkcs8: der };
  if (kind !== EC_PUBLIC_KEY) throw new SignError(`a key of the unknown kind ${kind}`);
  return { kind: 'ecdsa', curve: curveOf(oidText(algorithm.contents('namedCurve', DER.oid))), pkcs8: der };
}

/** ECPrivateKey (RFC 5915). */
function sec1(der: Uint8Array, key: DerReader): PrivateKey {
  key.next('privateKey', DER.octetString);
  if (!key.has(DER.context0)) throw new SignError('the EC key does not say on which curve it is');
  const curve = oidText(key.into('parameters', DER.context0).contents('namedCurve', DER.oid));
  return {
    kind: 'ecdsa',
    curve: curveOf(curve),
    pkcs8: wrapped(der, DerWriter.oid(EC_PUBLIC_KEY), DerWriter.oid(curve)),
  };
}

function curveOf(oid: string): Curve {
  const curve = CURVE_OIDS[oid];
  if (curve === undefined) throw new SignError(`a key on the unknown curve ${oid}`);
  return curve;
}

function wrapped(key: Uint8Array, ...algorithm: readonly Uint8Array[]): Uint8Array {
  const version = DerWriter.raw(0x02, Uint8Array.of(0));
  return DerWriter.sequence(version, DerWriter.sequence(...algorithm), DerWriter.raw(0x04, key));
}
