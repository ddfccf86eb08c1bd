import { FormatError } from '../../formats/format-error.js';
import { firstSigner, type Pkcs7Signer } from '../../formats/pkcs7.js';
import { COMMON_NAME } from '../../trust/certificate.js';
import { TRAILER_BYTES } from '../../trust/trailer.js';
import { bytesOf, byteText } from '../byte-text.js';

/** A module's appended signature as kmod tells of it. Texts are byte texts. */
export interface SignatureInfo {
  /** `PKCS#7`, `X509` or `PGP`. */
  readonly type: string;
  readonly signer: string;
  readonly keyId: Uint8Array;
  readonly hash: string;
  readonly signature: Uint8Array;
}

const MARKER = bytesOf('~Module signature appended~\n');

// Of Linux 3.7's kernel/module_signing.c, whose numbers the trailer has.
const KEY_TYPES = ['PGP', 'X509', 'PKCS#7'];
const ALGORITHMS = ['DSA', 'RSA'];
const HASHES = ['md4', 'md5', 'sha1', 'rmd160', 'sha256', 'sha384', 'sha512', 'sha224', 'sm3'];
const PKCS7 = 2;

/** Names that OpenSSL, by which kmod tells the algorithm, has for digests; others are shown as numbers. */
const DIGEST_NAMES: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.2': 'md2',
  '1.2.840.113549.2.4': 'md4',
  '1.2.840.113549.2.5': 'md5',
  '1.3.14.3.2.26': 'sha1',
  '1.3.36.3.2.1': 'ripemd160',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  '2.16.840.1.101.3.4.2.5': 'sha512-224',
  '2.16.840.1.101.3.4.2.6': 'sha512-256',
  '2.16.840.1.101.3.4.2.7': 'sha3-224',
  '2.16.840.1.101.3.4.2.8': 'sha3-256',
  '2.16.840.1.101.3.4.2.9': 'sha3-384',
  '2.16.840.1.101.3.4.2.10': 'sha3-512',
  '1.2.156.10197.1.401': 'sm3',
};

/** What kmod tells of the signature at the end of an unpacked module's file; undefined where it finds none. */
export function signatureOf(bytes: Uint8Array, file: string): SignatureInfo | undefined {
  const at = bytes.length - MARKER.length - TRAILER_BYTES;
  if (at < 0 || !MARKER.every((byte, i) => bytes[at + TRAILER_BYTES + i] === byte)) return undefined;
  const [algorithm, hash, type, signerBytes, keyIdBytes] = bytes.subarray(at, at + 5);
  if (algorithm >= ALGORITHMS.length || hash >= HASHES.length || type >= KEY_TYPES.length) return undefined;
  const size = new DataView(bytes.buffer, bytes.byteOffset + at + 8, 4).getUint32(0);
  if (size === 0 || at < size + signerBytes + keyIdBytes) return undefined;
  const signature = bytes.subarray(at - size, at);
  if (type === PKCS7) return fromPkcs7(signature, file);
  const keyAt = at - size - keyIdBytes;
  return {
    type: KEY_TYPES[type],
    signer: byteText(bytes.subarray(keyAt - signerBytes, keyAt)),
    keyId: bytes.subarray(keyAt, keyAt + keyIdBytes),
    hash: HASHES[hash],
    signature,
  };
}

/** A message that cannot be read is, to kmod, no signature. */
function fromPkcs7(message: Uint8Array, file: string): SignatureInfo | undefined {
  let signer: Pkcs7Signer | undefined;
  try {
    signer = firstSigner(message, `${file}: signature`);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
  if (!signer) return undefined;
  return {
    type: KEY_TYPES[PKCS7],
    signer: signerName(signer),
    keyId: magnitude(signer.serial),
    hash: DIGEST_NAMES[signer.digest] ?? signer.digest,
    signature: signer.signature,
  };
}

/** The issuer's common name; what comes last of the name where it has none. */
function signerName({ issuer }: Pkcs7Signer): string {
  const attribute = issuer.find(({ type }) => type === COMMON_NAME) ?? issuer.at(-1);
  return attribute ? byteText(attribute.value) : '';
}

/** Absolute value of a two's complement number, without leading zeros. */
function magnitude(number: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(number);
  if (bytes.length > 0 && (bytes[0] & 0x80) !== 0) negate(bytes);
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? new Uint8Array(0) : bytes.subarray(first);
}

function negate(bytes: Uint8Array): void {
  let carry = 1;
  for (let i = bytes.length - 1; i >= 0; i--) {
    const value = (bytes[i] ^ 0xff) + carry;
    bytes[i] = value & 0xff;
    carry = value >> 8;
  }
}
