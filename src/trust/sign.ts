import { concatBytes } from './bytes.js';
import { type Certificate, parseCertificate } from './certificate.js';
import { DerWriter } from './der-writer.js';
import { DIGEST_OIDS } from './digest.js';
import { certificateDer, type PrivateKey, privateKey } from './pem.js';
import { SignError } from './sign-error.js';
import { MODULE_SIG_STRING, trailerFor } from './trailer.js';
import { portableVerifier, signedBy } from './verifier.js';

/** Digests that Web Crypto has, of those that the kernel takes. */
export type SigningHash = 'sha1' | 'sha256' | 'sha384' | 'sha512';

export interface SigningOptions {
  /** PEM or DER; PKCS#8, PKCS#1 (RSA) or SEC 1 (EC). */
  readonly key: Uint8Array;
  /** X.509, PEM or DER. */
  readonly certificate: Uint8Array;
  readonly hash: SigningHash;
  /** Names the signer by its subject key identifier and not by issuer and serial number (`sign-file -k`). */
  readonly byKeyId?: boolean;
}

/** Digests that signModule() can sign with. */
export const SIGNING_HASHES: readonly SigningHash[] = ['sha1', 'sha256', 'sha384', 'sha512'];

const WEB_NAMES: Readonly<Record<SigningHash, string>> = {
  sha1: 'SHA-1',
  sha256: 'SHA-256',
  sha384: 'SHA-384',
  sha512: 'SHA-512',
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
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
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
  const certificate = parseCertificate(certificateDer(options.certificate), 'certificate');
  const key = privateKey(options.key);
  if (key.kind !== certificate.publicKey.kind)
    throw new SignError(`the key is for ${key.kind}, the certificate for ${certificate.publicKey.kind}`);
  if (options.byKeyId && certificate.keyId === undefined)
    throw new SignError('the certificate has no subject key identifier to name the signer by');
  const signature = await sign(module, key, options.hash);
  const signed = signedBy(portableVerifier, options.hash, module);
  if (!portableVerifier.verify(certificate.publicKey, signed, signature))
    throw new SignError('the key is not that of the certificate');
  return signedData(certificate, options, signature);
}

/** The module with a PKCS#7 message that somebody else made behind it (`sign-file -s`). */
export function appendSignature(module: Uint8Array, message: Uint8Array): Uint8Array {
  return concatBytes([module, message, trailerFor(message.length), MODULE_SIG_STRING]);
}

async function sign(module: Uint8Array, key: PrivateKey, hash: SigningHash): Promise<Uint8Array> {
  const { subtle } = globalThis.crypto;
  const algorithm =
    key.kind === 'rsa'
      ? { name: 'RSASSA-PKCS1-v1_5', hash: WEB_NAMES[hash] }
      : { name: 'ECDSA', namedCurve: key.curve, hash: WEB_NAMES[hash] };
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
function signedData(certificate: Certificate, options: SigningOptions, signature: Uint8Array): Uint8Array {
  const { sequence, set, oid, context, raw } = DerWriter;
  const { hash } = options;
  const keyId = options.byKeyId ? certificate.keyId : undefined;
  const version = raw(0x02, Uint8Array.of(keyId ? 3 : 1));
  const digest = sequence(oid(DIGEST_OIDS[hash]));
  const nothing = raw(0x05, new Uint8Array());
  const algorithm =
    certificate.publicKey.kind === 'rsa' ? sequence(oid(OIDS.rsa), nothing) : sequence(oid(ECDSA_OIDS[hash]));
  const name = keyId
    ? raw(SUBJECT_KEY_IDENTIFIER, keyId)
    : sequence(sequence(certificate.issuer), raw(0x02, certificate.serial));
  const signer = sequence(version, name, digest, algorithm, raw(0x04, signature));
  const signed = sequence(version, set(digest), sequence(oid(OIDS.data)), set(signer));
  return sequence(oid(OIDS.signedData), context(0, signed));
}
