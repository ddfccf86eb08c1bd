export {
  type Certificate,
  type CertificateIdentity,
  parseCertificate,
  parseIdentity,
} from './certificate.js';
export type { CheckOptions } from './check.js';
export type { DigestName } from './digest.js';
export { Keyring } from './keyring.js';
export { type ModuleCheckOptions, verifyModule } from './module.js';
export { OidRegistry } from './oid-registry.js';
export { certificatesDer } from './pem.js';
export type { EcKey, PublicKey, RsaKey } from './public-key.js';
export {
  appendSignature,
  detachedSignature,
  SIGNING_HASHES,
  type Signer,
  type SigningHash,
  type SigningOptions,
  signModule,
} from './sign.js';
export { SignError } from './sign-error.js';
export type { CheckMessage, RefusalCode, SignatureVerdict, Trusted, Untrusted } from './verdict.js';
export { Refused } from './verdict.js';
export { portableVerifier, type Verifier } from './verifier.js';
