import type { DigestName, RefusalCode } from '../../trust/index.js';
import { bootParameter, isOn } from '../boot-parameters.js';

/** lockdown= of the command line (kernel_lockdown(7)). */
export type LockdownLevel = 'none' | 'integrity' | 'confidentiality';

/** What a kernel demands of modules that nobody vouches for. */
export interface SignaturePolicy {
  /** CONFIG_MODULE_SIG: signatures are looked at. */
  readonly checked: boolean;
  /** CONFIG_MODULE_SIG_FORCE or module.sig_enforce. */
  readonly enforced: boolean;
  readonly lockdown: LockdownLevel;
}

type Config = ReadonlyMap<string, string>;

/** The policy of a kernel with this configuration that is booted with this command line. */
export function signaturePolicy(config: Config, cmdline: string): SignaturePolicy {
  const forced = config.get('CONFIG_MODULE_SIG_FORCE') === 'y';
  const lockdown = bootParameter(cmdline, 'lockdown');
  const known = lockdown === 'integrity' || lockdown === 'confidentiality';
  return {
    checked: config.get('CONFIG_MODULE_SIG') === 'y',
    enforced: forced || isOn(bootParameter(cmdline, 'module.sig_enforce')),
    lockdown: known && config.get('CONFIG_SECURITY_LOCKDOWN_LSM') === 'y' ? lockdown : 'none',
  };
}

/** What the kernel calls modules that nobody vouches for; other refusals are fatal (module_sig_check()). */
export const UNVOUCHED: Readonly<Partial<Record<RefusalCode, string>>> = {
  ENODATA: 'unsigned module',
  ENOPKG: 'module with unsupported crypto',
  ENOKEY: 'module with unavailable key',
};

/** Which option of the configuration brings an algorithm. */
export const ALGORITHM_OPTIONS: Readonly<Record<DigestName | 'ecdsa', string>> = {
  md5: 'CONFIG_CRYPTO_MD5',
  sha1: 'CONFIG_CRYPTO_SHA1',
  sha224: 'CONFIG_CRYPTO_SHA256',
  sha256: 'CONFIG_CRYPTO_SHA256',
  sha384: 'CONFIG_CRYPTO_SHA512',
  sha512: 'CONFIG_CRYPTO_SHA512',
  ecdsa: 'CONFIG_CRYPTO_ECDSA',
};
