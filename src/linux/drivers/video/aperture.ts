import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Framebuffers that firmware has set up, which make way for a driver (drivers/video/aperture.c): the machine has none. */
export class Apertures implements Subsystem {
  static readonly builtIn = 'CONFIG_APERTURE_HELPERS';

  constructor(readonly k: LinuxKernel) {}

  readonly exports: Record<string, (...args: Ptr[]) => number> = {
    aperture_remove_conflicting_pci_devices: nothing('there is no framebuffer of firmware', 0),
    aperture_remove_conflicting_devices: nothing('there is no framebuffer of firmware', 0),
    __aperture_remove_legacy_vga_devices: nothing('there is no framebuffer of firmware', 0),
  };
}
