import { FormatError } from '../formats/format-error.js';
import { hexText, sameBytes } from './bytes.js';
import { type Certificate, isNamedBy, type KeyId } from './certificate.js';
import type { DigestName } from './digest.js';
import type { Keyring } from './keyring.js';
import type { OidRegistry } from './oid-registry.js';
import { parseSignedData, type SignedData, type Signer } from './signed-data.js';
import { type CheckMessage, KERN_ERR, KERN_WARNING, Refused, type Trusted } from './verdict.js';
import { portableVerifier, type Signed, signedBy, type Verifier } from './verifier.js';

export interface CheckOptions {
  readonly verifier?: Verifier;
  /** What this kernel can compute: not every kernel has every digest, and few have ECDSA. All by default. */
  supports?(algorithm: DigestName | 'ecdsa'): boolean;
  /** The object identifiers it knows, all by default. */
  readonly oids?: OidRegistry;
}

interface Signature {
  readonly signer: Signer;
  readonly signed: Signed;
}

/**
 * Checks a detached PKCS#7 signature of data as the kernel does for a module (verify_pkcs7_message_sig() of
 * certs/system_keyring.c, pkcs7_verify(), pkcs7_validate_trust()). Throws Refused or FormatError; what the kernel logs
 * goes to `log`.
 */
export function checkSignedData(
  message: Uint8Array,
  data: Uint8Array,
  keyring: Keyring,
  options: CheckOptions,
  log: CheckMessage[],
  file: string,
): Pick<Trusted, 'signer' | 'digest'> {
  const signed = parseSignedData(message, `${file}: signature`, log, options.oids);
  return new Check(signed, keyring, options, log).run(data);
}

class Check {
  private readonly verifier: Verifier;
  private readonly supports: (algorithm: DigestName | 'ecdsa') => boolean;

  constructor(
    private readonly message: SignedData,
    private readonly keyring: Keyring,
    options: CheckOptions,
    private readonly log: CheckMessage[],
  ) {
    this.verifier = options.verifier ?? portableVerifier;
    this.supports = options.supports?.bind(options) ?? (() => true);
  }

  run(data: Uint8Array): Pick<Trusted, 'signer' | 'digest'> {
    const { message } = this;
    if (message.content !== undefined) {
      this.say('PKCS7: Data already supplied', KERN_WARNING);
      this.say('PKCS#7 signature with non-detached data', KERN_ERR);
      throw new Refused('EBADMSG', 'the message has data of its own');
    }
    if (message.signers.some((signer) => signer.hasAttributes)) {
      this.say('PKCS7: Invalid module sig (has authattrs)', KERN_WARNING);
      throw new Refused('EKEYREJECTED', 'it signs attributes, which signatures of modules must not');
    }
    const usable = message.signers.filter(({ digest }) => this.supports(digest));
    const signatures = usable.map((signer) => ({
      signer,
      signed: signedBy(this.verifier, signer.digest, data),
    }));
    for (const signature of signatures) this.checkEnclosed(signature);
    if (signatures.length === 0) throw new Refused('ENOPKG', this.nothingUsable());
    return this.trust(signatures);
  }

  private nothingUsable(): string {
    const digests = this.message.signers.map(({ digest }) => digest);
    return digests.length === 0 ? 'nobody signed it' : `this kernel has no ${digests.join(', ')}`;
  }

  private say(text: string, level: number): void {
    this.log.push({ level, text });
  }

  /** Where the message has the signer's certificate, the signature has to fit it (pkcs7_verify_one()). */
  private checkEnclosed({ signer, signed }: Signature): void {
    const chain = this.chain(signer);
    if (chain.length === 0) return;
    this.demand(chain[0], signed, signer.signature);
    for (const [i, certificate] of chain.entries()) {
      const issuer = chain[i + 1] ?? (isSelfSigned(certificate) ? certificate : undefined);
      if (issuer) this.checkCertificate(certificate, issuer);
    }
  }

  /** The certificates of the message from the signer's to the last issuer that is among them. */
  private chain(signer: Signer): Certificate[] {
    const chain: Certificate[] = [];
    let next = this.message.certificates.find((certificate) => isNamedBy(certificate, signer.id));
    while (next !== undefined && !chain.includes(next)) {
      chain.push(next);
      const authority = authorityOf(next);
      next = authority && this.message.certificates.find((certificate) => isNamedBy(certificate, authority));
    }
    return chain;
  }

  private checkCertificate(certificate: Certificate, issuer: Certificate): void {
    const { algorithm } = certificate;
    if (algorithm === undefined || !this.supports(algorithm.digest)) return;
    const signed = signedBy(this.verifier, algorithm.digest, certificate.signed);
    this.demand(issuer, signed, certificate.signature);
  }

  private demand(by: Certificate, signed: Signed, signature: Uint8Array): void {
    if (by.publicKey.kind === 'ecdsa' && !this.supports('ecdsa'))
      throw new Refused(
        'ENOENT',
        `this kernel has no ECDSA, which the enclosed certificate of ${by.name} needs`,
      );
    if (!this.verifier.verify(by.publicKey, signed, signature))
      throw new Refused('EKEYREJECTED', `it does not fit the enclosed certificate of ${by.name}`);
  }

  /** One of the signatures has to lead to the keyring (pkcs7_validate_trust()). */
  private trust(signatures: readonly Signature[]): Pick<Trusted, 'signer' | 'digest'> {
    for (const signature of signatures) {
      const signer = this.trustedSigner(signature);
      if (signer) return { signer, digest: signature.signer.digest };
    }
    throw new Refused('ENOKEY', `no trusted certificate is that of ${describe(signatures[0].signer.id)}`);
  }

  private trustedSigner({ signer, signed }: Signature): Certificate | undefined {
    const chain = this.chain(signer);
    for (const certificate of chain) {
      const authority = authorityOf(certificate);
      const issuer = authority && !isSelfSigned(certificate) ? this.keyring.find(authority) : undefined;
      if (this.keyring.find(idOf(certificate)) !== undefined || issuer !== undefined) {
        if (issuer) this.checkCertificate(certificate, issuer);
        return certificate;
      }
    }
    const key = this.keyring.find(signer.id);
    if (key === undefined) return undefined;
    const { publicKey } = key;
    if (publicKey.kind === 'ecdsa' && !this.supports('ecdsa'))
      throw new Refused('EKEYREJECTED', `this kernel has no ECDSA, which the key of ${key.name} needs`);
    if (publicKey.kind !== signer.kind)
      throw new Refused(
        'EKEYREJECTED',
        `signed as ${signer.kind}, and the key of ${key.name} is for ${publicKey.kind}`,
      );
    if (!this.verifier.verify(publicKey, signed, signer.signature))
      throw new Refused('EKEYREJECTED', `the module is not what ${key.name} signed`);
    return key;
  }
}

function idOf({ issuer, serial, keyId }: Certificate): KeyId {
  return { issuer, serial, ...(keyId && { keyId }) };
}

function authorityOf(certificate: Certificate): KeyId | undefined {
  return certificate.authority;
}

function isSelfSigned(certificate: Certificate): boolean {
  const { authority, subject, issuer } = certificate;
  return sameBytes(subject, issuer) && (authority === undefined || isNamedBy(certificate, authority));
}

function describe({ serial, keyId }: KeyId): string {
  if (keyId) return `key ${hexText(keyId)}`;
  return `serial number ${hexText(serial ?? new Uint8Array())}`;
}

/** What an error that ended a check says, if it is one. */
export function refusalOf(error: unknown): Refused {
  if (error instanceof Refused) return error;
  if (error instanceof FormatError) return new Refused('EBADMSG', error.message);
  throw error;
}
