import { runNow } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { PlatformDevices } from './platform-device.js';

/** PLATFORM_DEVID_NONE */
const NO_ID = -1;

/** Platform devices that the kernel itself makes on every PC (arch/x86/kernel/pcspeaker.c). */
export class MachineDevices implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    if (this.k.configured('CONFIG_PCSPKR_PLATFORM')) this.add('pcspkr');
  }

  private add(name: string): void {
    const devices = this.k.get(PlatformDevices);
    runNow(devices.add(devices.allocate(name, NO_ID)));
  }
}
