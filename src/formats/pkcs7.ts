import { ByteReader } from './byte-reader.js';
import { DER, DerReader, oidText } from './der.js';

/** Who signed, and how, in a PKCS#7 SignedData (RFC 2315): its first SignerInfo. */
export interface Pkcs7Signer {
  /** Attributes of the issuer's name, in order. */
  readonly issuer: readonly NameAttribute[];
  /** Contents of the serial number's INTEGER. */
  readonly serial: Uint8Array;
  /** Dotted object identifier of the digest algorithm. */
  readonly digest: string;
  /** The encrypted digest. */
  readonly signature: Uint8Array;
}

interface NameAttribute {
  /** Dotted object identifier. */
  readonly type: string;
  /** The string's bytes; their character set depends on its ASN.1 type. */
  readonly value: Uint8Array;
}

export const SIGNED_DATA = '1.2.840.113549.1.7.2';

/**
 * The first signer of a SignedData message, undefined where it has none. Signers that are named by a key identifier
 * (CMS, RFC 5652) are not PKCS#7: a FormatError, as for anything else that is not of the form.
 */
export function firstSigner(bytes: Uint8Array, file: string): Pkcs7Signer | undefined {
  const message = DerReader.of(bytes, file).into('ContentInfo', DER.sequence);
  const type = oidText(message.contents('contentType', DER.oid));
  if (type !== SIGNED_DATA) new ByteReader(bytes, file).fail('contentType', 0, `${type} is not signedData`);
  const signed = message.into('content', DER.context0).into('SignedData', DER.sequence);
  signed.next('version', DER.integer);
  signed.next('digestAlgorithms', DER.set);
  signed.into('contentInfo', DER.sequence).next('contentType', DER.oid);
  if (signed.has(DER.context0)) signed.next('certificates');
  if (signed.has(DER.context1)) signed.next('crls');
  const signers = signed.into('signerInfos', DER.set);
  return signers.done ? undefined : signerOf(signers.into('SignerInfo', DER.sequence));
}

function signerOf(info: DerReader): Pkcs7Signer {
  info.next('version', DER.integer);
  const id = info.into('issuerAndSerialNumber', DER.sequence);
  const issuer = nameOf(id.into('issuer', DER.sequence));
  const serial = id.contents('serialNumber', DER.integer);
  const digest = oidText(info.into('digestAlgorithm', DER.sequence).contents('algorithm', DER.oid));
  if (info.has(DER.context0)) info.next('authenticatedAttributes');
  info.into('digestEncryptionAlgorithm', DER.sequence).next('algorithm', DER.oid);
  const signature = info.contents('encryptedDigest', DER.octetString);
  return { issuer, serial, digest, signature };
}

function nameOf(name: DerReader): NameAttribute[] {
  const attributes: NameAttribute[] = [];
  while (!name.done) {
    const set = name.into('RelativeDistinguishedName', DER.set);
    while (!set.done) {
      const attribute = set.into('AttributeTypeAndValue', DER.sequence);
      const type = oidText(attribute.contents('type', DER.oid));
      attributes.push({ type, value: attribute.contents('value') });
    }
  }
  return attributes;
}
