import type { Certificate } from './certificate.js';
import type { DigestName } from './digest.js';

/**
 * The error that the kernel's check ends with, by the name of its errno:
 * - ENODATA: there is no signature
 * - ENOPKG: a kind of message, digest or key that this kernel cannot handle
 * - ENOKEY: by a key that is not in the keyring
 * - EKEYREJECTED: the signature is wrong, or of a form that modules may not have
 * - EBADMSG, EINVAL: the message cannot be read
 * - ENOENT: a certificate in the message has a key of a kind that this kernel cannot compute with
 *
 * The kernel takes the first three for a module that nobody vouches for, which may load where signatures are not
 * enforced; the others are fatal (module_sig_check() of kernel/module/signing.c).
 */
export type RefusalCode = 'ENODATA' | 'ENOPKG' | 'ENOKEY' | 'EKEYREJECTED' | 'EBADMSG' | 'EINVAL' | 'ENOENT';

/** Levels of such lines; what checks signatures knows no kernel's log. */
export const KERN_ERR = 3;
export const KERN_WARNING = 4;

/** A line that the kernel logs while it checks. */
export interface CheckMessage {
  readonly level: number;
  readonly text: string;
}

export interface Trusted {
  readonly trusted: true;
  /** Whose key it was. */
  readonly signer: Certificate;
  readonly digest: DigestName;
  readonly log: readonly CheckMessage[];
  /** Size of the module without its signature. */
  readonly size: number;
}

export interface Untrusted {
  readonly trusted: false;
  readonly code: RefusalCode;
  /** Why, in words. */
  readonly reason: string;
  readonly log: readonly CheckMessage[];
  /** Size of what is left of the file for the kernel to read as a module. */
  readonly size: number;
}

/** What became of checking a module's signature. */
export type SignatureVerdict = Trusted | Untrusted;

/** Ends a check. Does not leave src/trust: the checks give a {@link SignatureVerdict}. */
export class Refused extends Error {
  override readonly name = 'Refused';

  constructor(
    readonly code: RefusalCode,
    reason: string,
  ) {
    super(reason);
  }
}
