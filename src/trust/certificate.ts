import { ByteReader } from '../formats/byte-reader.js';
import { DER, type DerElement, DerReader, oidText } from '../formats/der.js';
import { sameBytes } from './bytes.js';
import type { DigestName } from './digest.js';
import { type PublicKey, parsePublicKey } from './public-key.js';

/** What a certificate, or whoever signed something, is found by: one of two things. */
export interface KeyId {
  /** Contents of the issuer's Name and of the serial number's INTEGER, compared byte by byte. */
  readonly issuer?: Uint8Array;
  readonly serial?: Uint8Array;
  /** The subject key identifier. */
  readonly keyId?: Uint8Array;
}

/** How something was signed: digest and kind of key. */
interface SignatureAlgorithm {
  readonly digest: DigestName;
  readonly kind: PublicKey['kind'];
}

/** An X.509 certificate (RFC 5280), as much of it as the kernel uses. */
export interface Certificate {
  readonly der: Uint8Array;
  readonly issuer: Uint8Array;
  readonly serial: Uint8Array;
  readonly subject: Uint8Array;
  readonly keyId: Uint8Array | undefined;
  /** Who signed it, by its authority key identifier. */
  readonly authority: KeyId | undefined;
  /** Common name of the subject, for messages; '' where it has none. */
  readonly name: string;
  readonly publicKey: PublicKey;
  /** What was signed, how, and the signature. The algorithm is undefined where it is an unknown one. */
  readonly signed: Uint8Array;
  readonly algorithm: SignatureAlgorithm | undefined;
  readonly signature: Uint8Array;
}

const SUBJECT_KEY_ID = '2.5.29.14';
const AUTHORITY_KEY_ID = '2.5.29.35';
export const COMMON_NAME = '2.5.4.3';

/** Context-specific tags. */
const EXTENSIONS = 0xa3;
const ISSUER_UNIQUE_ID = 0x81;
const SUBJECT_UNIQUE_ID = 0x82;
const AUTHORITY_KEY = 0x80;
const AUTHORITY_ISSUER = 0xa1;
const AUTHORITY_SERIAL = 0x82;
const DIRECTORY_NAME = 0xa4;
const BOOLEAN = 0x01;

const SIGNATURE_ALGORITHMS: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ['1.2.840.113549.1.1.4', { digest: 'md5', kind: 'rsa' }],
  ['1.2.840.113549.1.1.5', { digest: 'sha1', kind: 'rsa' }],
  ['1.2.840.113549.1.1.14', { digest: 'sha224', kind: 'rsa' }],
  ['1.2.840.113549.1.1.11', { digest: 'sha256', kind: 'rsa' }],
  ['1.2.840.113549.1.1.12', { digest: 'sha384', kind: 'rsa' }],
  ['1.2.840.113549.1.1.13', { digest: 'sha512', kind: 'rsa' }],
  ['1.2.840.10045.4.1', { digest: 'sha1', kind: 'ecdsa' }],
  ['1.2.840.10045.4.3.1', { digest: 'sha224', kind: 'ecdsa' }],
  ['1.2.840.10045.4.3.2', { digest: 'sha256', kind: 'ecdsa' }],
  ['1.2.840.10045.4.3.3', { digest: 'sha384', kind: 'ecdsa' }],
  ['1.2.840.10045.4.3.4', { digest: 'sha512', kind: 'ecdsa' }],
]);

/** Whether the object identifier is that of ECDSA with any digest. */
export function isEcdsaOid(oid: string): boolean {
  return SIGNATURE_ALGORITHMS.get(oid)?.kind === 'ecdsa';
}

/** What a certificate is, but for its key, which may be of a kind that no kernel knows. */
export type CertificateIdentity = Omit<Certificate, 'publicKey'>;

/** Reads a certificate. Throws FormatError where it is none, Refused (ENOPKG) where its key is of an unknown kind. */
export function parseCertificate(der: Uint8Array, file: string): Certificate {
  const { publicKeyInfo, ...identity } = parseParts(der, file);
  return { ...identity, publicKey: parsePublicKey(publicKeyInfo, file) };
}

/** Reads a certificate, whatever its key is. Throws FormatError where it is none. */
export function parseIdentity(der: Uint8Array, file: string): CertificateIdentity {
  const { publicKeyInfo: _, ...identity } = parseParts(der, file);
  return identity;
}

function parseParts(
  der: Uint8Array,
  file: string,
): CertificateIdentity & { readonly publicKeyInfo: Uint8Array } {
  const reader = new ByteReader(der, file);
  const outer = new DerReader(reader, 0, der.length);
  const whole = outer.next('Certificate', DER.sequence);
  const certificate = outer.within(whole);
  const signed = certificate.next('tbsCertificate', DER.sequence);
  const algorithm = oidText(
    certificate.into('signatureAlgorithm', DER.sequence).contents('algorithm', DER.oid),
  );
  const signature = certificate.contents('signatureValue', DER.bitString).subarray(1);
  const tbs = certificate.within(signed);
  if (tbs.has(DER.context0)) tbs.next('version');
  const serial = tbs.contents('serialNumber', DER.integer);
  tbs.next('signature', DER.sequence);
  const issuer = tbs.contents('issuer', DER.sequence);
  tbs.next('validity', DER.sequence);
  const subject = tbs.contents('subject', DER.sequence);
  const key = tbs.next('subjectPublicKeyInfo', DER.sequence);
  if (tbs.has(ISSUER_UNIQUE_ID)) tbs.next('issuerUniqueID');
  if (tbs.has(SUBJECT_UNIQUE_ID)) tbs.next('subjectUniqueID');
  const extensions = tbs.has(EXTENSIONS)
    ? readExtensions(tbs.into('extensions', EXTENSIONS))
    : new Map<string, Uint8Array>();
  return {
    der: der.subarray(0, whole.end),
    issuer,
    serial,
    subject,
    keyId: keyIdOf(extensions.get(SUBJECT_KEY_ID), file),
    authority: authorityOf(extensions.get(AUTHORITY_KEY_ID), file),
    name: commonName(subject, file),
    publicKeyInfo: withHeader(der, key),
    signed: withHeader(der, signed),
    algorithm: SIGNATURE_ALGORITHMS.get(algorithm),
    signature,
  };
}

/** Whether the certificate is the one that an identifier names. */
export function isNamedBy(certificate: Certificate, id: KeyId): boolean {
  if (id.keyId && certificate.keyId && sameBytes(id.keyId, certificate.keyId)) return true;
  return (
    id.issuer !== undefined &&
    id.serial !== undefined &&
    sameBytes(id.serial, certificate.serial) &&
    sameBytes(id.issuer, certificate.issuer)
  );
}

/** The element's bytes with identifier and length. */
function withHeader(bytes: Uint8Array, element: DerElement): Uint8Array {
  const size = element.end - element.start;
  const lengthOctets = size < 0x80 ? 1 : size < 0x100 ? 2 : size < 0x10000 ? 3 : size < 0x1000000 ? 4 : 5;
  return bytes.subarray(element.start - lengthOctets - 1, element.end);
}

function readExtensions(outer: DerReader): Map<string, Uint8Array> {
  const list = outer.into('Extensions', DER.sequence);
  const found = new Map<string, Uint8Array>();
  while (!list.done) {
    const extension = list.into('Extension', DER.sequence);
    const oid = oidText(extension.contents('extnID', DER.oid));
    if (extension.has(BOOLEAN)) extension.next('critical');
    found.set(oid, extension.contents('extnValue', DER.octetString));
  }
  return found;
}

function keyIdOf(value: Uint8Array | undefined, file: string): Uint8Array | undefined {
  if (value === undefined) return undefined;
  return DerReader.of(value, `${file}: subjectKeyIdentifier`).contents('KeyIdentifier', DER.octetString);
}

function authorityOf(value: Uint8Array | undefined, file: string): KeyId | undefined {
  if (value === undefined) return undefined;
  const id = DerReader.of(value, `${file}: authorityKeyIdentifier`).into(
    'AuthorityKeyIdentifier',
    DER.sequence,
  );
  const keyId = id.has(AUTHORITY_KEY) ? id.contents('keyIdentifier') : undefined;
  if (!id.has(AUTHORITY_ISSUER)) return keyId && { keyId };
  const names = id.into('authorityCertIssuer', AUTHORITY_ISSUER);
  const issuer = names.has(DIRECTORY_NAME)
    ? names.into('directoryName', DIRECTORY_NAME).contents('Name', DER.sequence)
    : undefined;
  const serial = id.has(AUTHORITY_SERIAL) ? id.contents('authorityCertSerialNumber') : undefined;
  return { ...(keyId && { keyId }), ...(issuer && serial && { issuer, serial }) };
}

function commonName(subject: Uint8Array, file: string): string {
  const name = DerReader.of(subject, `${file}: subject`);
  while (!name.done) {
    const set = name.into('RelativeDistinguishedName', DER.set);
    while (!set.done) {
      const attribute = set.into('AttributeTypeAndValue', DER.sequence);
      const type = oidText(attribute.contents('type', DER.oid));
      const value = attribute.contents('value');
      if (type === COMMON_NAME) return new TextDecoder().decode(value);
    }
  }
  return '';
}
