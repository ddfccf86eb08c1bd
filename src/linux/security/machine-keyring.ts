import { constant } from '../../kernel/abi/fidelity.js';
import type { Subsystem } from '../subsystem.js';

/** Keys that the owner of a machine has given to its firmware (security/integrity/platform_certs): the machine has no EFI, so none. */
export class MachineKeyring implements Subsystem {
  static readonly builtIn = 'CONFIG_INTEGRITY_MACHINE_KEYRING';

  readonly exports = { trust_moklist: constant(0) };
}
