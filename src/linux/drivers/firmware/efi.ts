import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** EFI variables (drivers/firmware/efi): this machine was not booted by EFI and has none. */
export class EfiVariables implements Subsystem {
  readonly exports = {
    efivar_supports_writes: () => false,
    efivar_is_available: () => false,
    efivars_kobject: () => 0,
  };

  readonly signatures = { efivars_kobject: 'p:' };

  constructor(readonly k: LinuxKernel) {}
}
