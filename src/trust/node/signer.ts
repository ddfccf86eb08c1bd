import { createPrivateKey, type KeyObject, sign, X509Certificate } from 'node:crypto';
import type { Signer, SigningHash } from '../sign.js';
import { SignError } from '../sign-error.js';

/**
 * A private key by node:crypto: PEM or DER, encrypted too, RSA or EC on any curve that its OpenSSL has. `pin` is what
 * decrypts it ($KBUILD_SIGN_PIN for sign-file). Throws SignError.
 */
export function nodeSigner(file: Uint8Array, pin: string | undefined): Signer {
  const key = readKey(Buffer.from(file), pin);
  const kind = kindOf(key.asymmetricKeyType);
  if (kind === undefined)
    throw new SignError(
      `a private key of the kind ${key.asymmetricKeyType}: the kernel takes RSA and ECDSA for modules`,
    );
  return {
    kind,
    sign: async (module, hash) => signed(key, module, hash),
    checkCertificate: (der) => checkCertificate(key, kind, der),
  };
}

function kindOf(type: string | undefined): Signer['kind'] | undefined {
  if (type === 'rsa') return 'rsa';
  return type === 'ec' ? 'ecdsa' : undefined;
}

function signed(key: KeyObject, module: Uint8Array, hash: SigningHash): Uint8Array {
  try {
    return sign(hash, module, key);
  } catch (error) {
    throw new SignError(`cannot sign with this key and ${hash}: ${reasonOf(error)}`);
  }
}

function checkCertificate(key: KeyObject, kind: Signer['kind'], der: Uint8Array): void {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
    const type = certificate.publicKey.asymmetricKeyType;
    const other = kindOf(type) ?? type;
    if (other !== kind) throw new SignError(`the key is for ${kind}, the certificate for ${other}`);
  } catch (error) {
    if (error instanceof SignError) throw error;
    throw new SignError(`a certificate that cannot be used: ${reasonOf(error)}`);
  }
  if (!certificate.checkPrivateKey(key)) throw new SignError('the key is not that of the certificate');
}

const DER_TYPES = ['pkcs8', 'pkcs1', 'sec1'] as const;

function readKey(file: Buffer, pin: string | undefined): KeyObject {
  const secret = pin === undefined ? {} : { passphrase: pin };
  if (file.includes('-----BEGIN ')) return readPem(file, secret, pin);
  for (const type of DER_TYPES) {
    try {
      return createPrivateKey({ key: file, format: 'der', type, ...secret });
    } catch (error) {
      if (isMissingPin(error)) throw missingPin();
    }
  }
  throw new SignError('no private key that modbox can read: neither PEM, nor PKCS#8, PKCS#1 or SEC 1 as DER');
}

function readPem(file: Buffer, secret: { readonly passphrase?: string }, pin: string | undefined): KeyObject {
  const text = file.toString('latin1');
  if (!/-----BEGIN [^\r\n]*PRIVATE KEY-----/.test(text))
    throw new SignError('there is no private key in the PEM file');
  try {
    return createPrivateKey({ key: file, format: 'pem', ...secret });
  } catch (error) {
    const isEncrypted = /-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(text);
    if (isMissingPin(error) || (isEncrypted && pin === undefined)) throw missingPin();
    if (isEncrypted)
      throw new SignError(
        `the private key cannot be decrypted, KBUILD_SIGN_PIN may be wrong: ${reasonOf(error)}`,
      );
    throw new SignError(`no private key that modbox can read: ${reasonOf(error)}`);
  }
}

function isMissingPin(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE';
}

function missingPin(): SignError {
  return new SignError('the private key is encrypted: KBUILD_SIGN_PIN has to hold its passphrase');
}

/** OpenSSL's `error:1C800064:Provider routines::bad decrypt`, without the numbers. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^error:[0-9A-F]+:[^:]*:[^:]*:/i, '');
}
