import { concatBytes } from './bytes.js';
import { type CertificateIdentity, parseCertificate, parseIdentity } from './certificate.js';
import { DerWriter } from './der-writer.js';
import type { DigestName } from './digest.js';
import { certificateDer, type PrivateKey, privateKey } from './pem.js';
import type { PublicKey } from './public-key.js';
import { SignError } from './sign-error.js';
import { MODULE_SIG_STRING, trailerFor } from './trailer.js';
import { portableVerifier, signedBy } from './verifier.js';

/** Digests that sign-file is used with: those of the kernel, and SHA-3, which newer kernels know. */
export const SIGNING_HASHES = [
  'sha1',
  'sha224',
  'sha256',
  'sha384',
  'sha512',
  'sha3-224',
  'sha3-256',
  'sha3-384',
  'sha3-512',
] as const;

export type SigningHash = (typeof SIGNING_HASHES)[number];

/** A private key that signs, wherever it is. */
export interface Signer {
  readonly kind: 'rsa' | 'ecdsa';
  /** PKCS#1 v1.5, or an Ecdsa-Sig-Value. Throws SignError. */
  sign(module: Uint8Array, hash: SigningHash): Promise<Uint8Array>;
  /** Throws SignError for a certificate (DER) that is not this key's. */
  checkCertificate(der: Uint8Array): void;
}

export interface SigningOptions {
  /** PEM or DER; PKCS#8, PKCS#1 (RSA) or SEC 1 (EC); or what signs by other means. */
  readonly key: Uint8Array | Signer;
  /** X.509, PEM or DER. */
  readonly certificate: Uint8Array;
  /** Of a key in a file Web Crypto's: sha1, sha256, sha384 and sha512. */
  readonly hash: SigningHash;
  /** Names the signer by its subject key identifier and not by issuer and serial number (`sign-file -k`). */
  readonly byKeyId?: boolean;
}

const WEB_NAMES: Readonly<Partial<Record<SigningHash, string>>> = {
  sha1: 'SHA-1',
  sha256: 'SHA-256',
  sha384: 'SHA-384',
  sha512: 'SHA-512',
};

/** RFC 5754, and NIST's registry for SHA-3. */
const HASH_OIDS: Readonly<Record<SigningHash, string>> = {
  sha1: '1.3.14.3.2.26',
  sha224: '2.16.840.1.101.3.4.2.4',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
  'sha3-224': '2.16.840.1.101.3.4.2.7',
  'sha3-256': '2.16.840.1.101.3.4.2.8',
  'sha3-384': '2.16.840.1.101.3.4.2.9',
  'sha3-512': '2.16.840.1.101.3.4.2.10',
};

const OIDS = {
  signedData: '1.2.840.113549.1.7.2',
  data: '1.2.840.113549.1.7.1',
  rsa: '1.2.840.113549.1.1.1',
};

/** [0] IMPLICIT OCTET STRING of SignerIdentifier. */
const SUBJECT_KEY_IDENTIFIER = 0x80;

const ECDSA_OIDS: Readonly<Record<SigningHash, string>> = {
  sha1: '1.2.840.10045.4.1',
  sha224: '1.2.840.10045.4.3.1',
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
  'sha3-224': '2.16.840.1.101.3.4.3.9',
  'sha3-256': '2.16.840.1.101.3.4.3.10',
  'sha3-384': '2.16.840.1.101.3.4.3.11',
  'sha3-512': '2.16.840.1.101.3.4.3.12',
};

/**
 * The module with a signature appended, as the kernel's scripts/sign-file makes it: for RSA byte for byte. A signature
 * that it has already stays and is signed as well. Throws SignError, or FormatError for a certificate that is none.
 */
export async function signModule(module: Uint8Array, options: SigningOptions): Promise<Uint8Array> {
  return appendSignature(module, await detachedSignature(module, options));
}

/** The PKCS#7 message that signs a module (`sign-file -d`). Errors: see signModule. */
export async function detachedSignature(module: Uint8Array, options: SigningOptions): Promise<Uint8Array> {
  const der = certificateDer(options.certificate);
  const certificate = parseIdentity(der, 'certificate');
  const signer = options.key instanceof Uint8Array ? webSigner(privateKey(options.key)) : options.key;
  signer.checkCertificate(der);
  if (options.byKeyId && certificate.keyId === undefined)
    throw new SignError('the certificate has no subject key identifier to name the signer by');
  return signedData(certificate, signer.kind, options, await signer.sign(module, options.hash));
}

/** A key that Web Crypto signs with. That it is the certificate's is told by what it signs. */
function webSigner(key: PrivateKey): Signer {
  let publicKey: PublicKey | undefined;
  return {
    kind: key.kind,
    checkCertificate(der) {
      publicKey = parseCertificate(der, 'certificate').publicKey;
      if (key.kind !== publicKey.kind)
        throw new SignError(`the key is for ${key.kind}, the certificate for ${publicKey.kind}`);
    },
    async sign(module, hash) {
      const name = WEB_NAMES[hash];
      if (name === undefined) throw new SignError(`${hash} is none of Web Crypto's digests`);
      const signature = await webSignature(module, key, name);
      const signed = signedBy(portableVerifier, hash as DigestName, module);
      if (publicKey && !portableVerifier.verify(publicKey, signed, signature))
        throw new SignError('the key is not that of the certificate');
      return signature;
    },
  };
}

/** The module with a PKCS#7 message that somebody else made behind it (`sign-file -s`). */
export function appendSignature(module: Uint8Array, message: Uint8Array): Uint8Array {
  return concatBytes([module, message, trailerFor(message.length), MODULE_SIG_STRING]);
}

async function webSignature(module: Uint8Array, key: PrivateKey, hash: string): Promise<Uint8Array> {
  const { subtle } = globalThis.crypto;
  const algorithm =
    key.kind === 'rsa' ? { name: 'RSASSA-PKCS1-v1_5', hash } : { name: 'ECDSA', namedCurve: key.curve, hash };
  let handle: Awaited<ReturnType<typeof subtle.importKey>>;
  try {
    handle = await subtle.importKey('pkcs8', concatBytes([key.pkcs8]), algorithm, false, ['sign']);
  } catch (error) {
    throw new SignError(`the key cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
  const signature = new Uint8Array(await subtle.sign(algorithm, handle, concatBytes([module])));
  return key.kind === 'rsa' ? signature : ecdsaValue(signature);
}

/** Ecdsa-Sig-Value (RFC 3279, 2.2.3) of Web Crypto's two numbers. */
function ecdsaValue(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  return DerWriter.sequence(
    DerWriter.unsigned(raw.subarray(0, half)),
    DerWriter.unsigned(raw.subarray(half)),
  );
}

/** SignedData with one signer and nothing else (RFC 5652, 5.1 and 5.3: version 3 where a key identifier names it). */
function signedData(
  certificate: CertificateIdentity,
  kind: Signer['kind'],
  options: SigningOptions,
  signature: Uint8Array,
): Uint8Array {
  const { sequence, set, oid, context, raw } = DerWriter;
  const { hash } = options;
  const keyId = options.byKeyId ? certificate.keyId : undefined;
  const version = raw(0x02, Uint8Array.of(keyId ? 3 : 1));
  const digest = sequence(oid(HASH_OIDS[hash]));
  const nothing = raw(0x05, new Uint8Array());
  const algorithm = kind === 'rsa' ? sequence(oid(OIDS.rsa), nothing) : sequence(oid(ECDSA_OIDS[hash]));
  const name = keyId
    ? raw(SUBJECT_KEY_IDENTIFIER, keyId)
    : sequence(sequence(certificate.issuer), raw(0x02, certificate.serial));
  const signer = sequence(version, name, digest, algorithm, raw(0x04, signature));
  const signed = sequence(version, set(digest), sequence(oid(OIDS.data)), set(signer));
  return sequence(oid(OIDS.signedData), context(0, signed));
}
