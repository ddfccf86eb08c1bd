import { ByteReader } from '../formats/byte-reader.js';
import { DER, DerReader, oidText } from '../formats/der.js';
import { FormatError } from '../formats/format-error.js';
import { SIGNED_DATA } from '../formats/pkcs7.js';
import { type Certificate, isEcdsaOid, type KeyId, parseCertificate } from './certificate.js';
import { type DigestName, digestOfOid } from './digest.js';
import { OidRegistry } from './oid-registry.js';
import type { PublicKey } from './public-key.js';
import { RSA } from './public-key.js';
import { type CheckMessage, KERN_ERR, KERN_WARNING, Refused } from './verdict.js';

/** Who signed, and how (SignerInfo). */
export interface Signer {
  readonly id: KeyId;
  readonly digest: DigestName;
  readonly kind: PublicKey['kind'];
  /** What was signed is these instead of the data. */
  readonly hasAttributes: boolean;
  readonly signature: Uint8Array;
}

/** A PKCS#7 or CMS SignedData message (RFC 2315, RFC 5652). */
export interface SignedData {
  /** The data, where the message has it in itself. */
  readonly content: Uint8Array | undefined;
  /** Enclosed by whoever signed: they prove nothing by themselves. */
  readonly certificates: readonly Certificate[];
  readonly signers: readonly Signer[];
}

const DATA = '1.2.840.113549.1.7.1';

/** Context-specific tags: [0] primitive, [2] and [3] constructed. */
const KEY_ID = 0x80;
const CONTEXT_2 = 0xa2;
const CONTEXT_3 = 0xa3;

/**
 * Reads a message as the kernel does (crypto/asymmetric_keys/pkcs7.asn1 and pkcs7_parser.c). What follows it is
 * ignored. Throws FormatError where it is malformed, Refused where it is of a kind that the kernel does not handle.
 * What the kernel would log goes to `log`.
 */
export function parseSignedData(
  bytes: Uint8Array,
  file: string,
  log: CheckMessage[],
  oids: OidRegistry = new OidRegistry(),
): SignedData {
  return new SignedDataReader(bytes, file, log, oids).read();
}

class SignedDataReader {
  private version = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly file: string,
    private readonly log: CheckMessage[],
    private readonly oids: OidRegistry,
  ) {}

  read(): SignedData {
    const reader = new ByteReader(this.bytes, this.file);
    const message = new DerReader(reader, 0, this.bytes.length).into('ContentInfo', DER.sequence);
    const type = this.oid(message, 'contentType');
    if (type !== SIGNED_DATA) {
      this.say('PKCS7: Only support pkcs7_signedData type', KERN_ERR);
      throw new Refused('EINVAL', `its type is ${type}, not signed data`);
    }
    const wrapper = message.into('content', DER.context0);
    const signed = wrapper.into('SignedData', DER.sequence);
    this.end(wrapper, 'content');
    this.end(message, 'ContentInfo');
    this.version = this.messageVersion(signed);
    const digests = signed.into('digestAlgorithms', DER.set);
    while (!digests.done) this.algorithm(digests, 'digestAlgorithm');
    const content = this.content(signed.into('contentInfo', DER.sequence));
    const certificates = this.certificates(signed);
    if (signed.has(DER.context1) || signed.has(CONTEXT_3)) signed.next('crls');
    const infos = signed.into('signerInfos', signed.has(DER.sequence) ? DER.sequence : DER.set);
    this.end(signed, 'SignedData');
    const signers: Signer[] = [];
    while (!infos.done) signers.push(this.signer(infos.into('SignerInfo', DER.sequence)));
    return { content, certificates, signers };
  }

  private say(text: string, level = KERN_WARNING): void {
    this.log.push({ level, text });
  }

  /** An object identifier; the kernel complains of each that is not in its registry. */
  private oid(reader: DerReader, field: string): string {
    const { start, end } = reader.next(field, DER.oid);
    const oid = oidText(this.bytes.subarray(start, end));
    if (!this.oids.knows(oid)) this.say(`PKCS7: Unknown OID: [${start}] ${oid}`);
    return oid;
  }

  /** AlgorithmIdentifier: its object identifier. Parameters may be anything. */
  private algorithm(reader: DerReader, field: string): string {
    const algorithm = reader.into(field, DER.sequence);
    const oid = this.oid(algorithm, 'algorithm');
    if (!algorithm.done) algorithm.next('parameters');
    this.end(algorithm, field);
    return oid;
  }

  /** Nothing may follow within a sequence. */
  private end(reader: DerReader, field: string): void {
    if (!reader.done)
      throw new FormatError(this.file, field, reader.offset, 'there is more in it than there should be');
  }

  /** 1 is PKCS#7, 3 the CMS that can name a signer by key identifier. */
  private messageVersion(signed: DerReader): number {
    const version = signed.contents('version', DER.integer);
    if (version.length === 1 && (version[0] === 1 || version[0] === 3)) return version[0];
    this.say('PKCS7: Unsupported SignedData version');
    throw new Refused('EINVAL', `SignedData of version ${version.join(', ')}`);
  }

  private content(info: DerReader): Uint8Array | undefined {
    const type = this.oid(info, 'contentType');
    if (type !== DATA) throw new Refused('EINVAL', `it signs ${type}, not data`);
    if (!info.has(DER.context0)) return undefined;
    const { start, end } = info.into('content', DER.context0).next('data');
    return this.bytes.subarray(start, end);
  }

  private certificates(signed: DerReader): Certificate[] {
    const tag = signed.has(DER.context0) ? DER.context0 : CONTEXT_2;
    if (!signed.has(tag)) return [];
    const outer = signed.next('certificates', tag);
    const list = signed.within(outer);
    const certificates: Certificate[] = [];
    let from = outer.start;
    while (!list.done) {
      const { end } = list.next('certificate', DER.sequence);
      const name = `${this.file}: certificate ${certificates.length}`;
      certificates.push(parseCertificate(this.bytes.subarray(from, end), name));
      from = end;
    }
    return certificates;
  }

  private signer(info: DerReader): Signer {
    const byKeyId = this.signerVersion(info) === 3;
    const id = byKeyId
      ? { keyId: info.contents('subjectKeyIdentifier', KEY_ID) }
      : this.issuerAndSerial(info);
    const digest = this.digest(info);
    const hasAttributes = info.has(DER.context0) || info.has(CONTEXT_2);
    if (hasAttributes) info.next('authenticatedAttributes');
    const kind = this.kind(info);
    const signature = info.contents('encryptedDigest', DER.octetString);
    if (info.has(DER.context1) || info.has(CONTEXT_3)) info.next('unauthenticatedAttributes');
    this.end(info, 'SignerInfo');
    return { id, digest, kind, hasAttributes, signature };
  }

  private signerVersion(info: DerReader): number {
    const [version, ...more] = info.contents('version', DER.integer);
    if (more.length > 0 || (version !== 1 && version !== 3)) {
      this.say('PKCS7: Unsupported SignerInfo version');
      throw new Refused('EINVAL', `SignerInfo of version ${[version, ...more].join(', ')}`);
    }
    if (version === this.version) return version;
    this.say('PKCS7: SignedData-SignerInfo version mismatch');
    throw new Refused(
      'EBADMSG',
      `SignedData of version ${this.version} with SignerInfo of version ${version}`,
    );
  }

  private issuerAndSerial(info: DerReader): KeyId {
    const id = info.into('issuerAndSerialNumber', DER.sequence);
    const issuer = id.next('issuer', DER.sequence);
    this.name(id.within(issuer));
    const serial = id.contents('serialNumber', DER.integer);
    this.end(id, 'issuerAndSerialNumber');
    return { issuer: this.bytes.subarray(issuer.start, issuer.end), serial };
  }

  private name(name: DerReader): void {
    while (!name.done) {
      const set = name.into('RelativeDistinguishedName', DER.set);
      while (!set.done) {
        const attribute = set.into('AttributeTypeAndValue', DER.sequence);
        this.oid(attribute, 'type');
        attribute.next('value');
        this.end(attribute, 'AttributeTypeAndValue');
      }
    }
  }

  private digest(info: DerReader): DigestName {
    const oid = this.algorithm(info, 'digestAlgorithm');
    const digest = digestOfOid(oid);
    if (digest !== undefined && this.oids.knows(oid)) return digest;
    this.say(`Unsupported digest algo: ${this.oids.numberOf(oid)}`);
    throw new Refused('ENOPKG', `signed with the unknown digest ${oid}`);
  }

  private kind(info: DerReader): PublicKey['kind'] {
    const oid = this.algorithm(info, 'digestEncryptionAlgorithm');
    if (oid === RSA) return 'rsa';
    if (isEcdsaOid(oid)) return 'ecdsa';
    this.say(`Unsupported pkey algo: ${this.oids.numberOf(oid)}`);
    throw new Refused('ENOPKG', `signed in the unknown way ${oid}`);
  }
}
