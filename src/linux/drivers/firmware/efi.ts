import { nothing } from '../../../kernel/abi/fidelity.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** EFI variables (drivers/firmware/efi): this machine was not booted by EFI and has none. */
export class EfiVariables implements Subsystem {
  readonly exports = {
    efivar_supports_writes: nothing('the machine was not booted by EFI', false),
    efivar_is_available: nothing('the machine was not booted by EFI', false),
    efivars_kobject: nothing('the machine was not booted by EFI', 0),
  };

  constructor(readonly k: LinuxKernel) {}
}
