import type { Ptr } from '../../cpu/layout.js';
import { runNow } from '../../kernel/effects.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Kobjects } from './kobject.js';

/** Directories that the kernel makes at boot, the variable that holds each, and the one it is in. */
const TOP: readonly (readonly [variable: string, name: string])[] = [
  ['kernel_kobj', 'kernel'],
  ['fs_kobj', 'fs'],
  ['firmware_kobj', 'firmware'],
  ['power_kobj', 'power'],
  ['hypervisor_kobj', 'hypervisor'],
];

/** The top of /sys: kernel, fs, firmware, power, hypervisor, kernel/mm. */
export class WellKnownKobjects implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly keeps = [...TOP.map(([variable]) => variable), 'mm_kobj'];

  boot(): void {
    for (const [variable, name] of TOP) this.create(variable, name, 0);
    const { k } = this;
    if (k.hasSymbol('kernel_kobj')) this.create('mm_kobj', 'mm', k.space.loadPtr(k.symbol('kernel_kobj')));
  }

  private create(variable: string, name: string, parent: Ptr): void {
    const { k } = this;
    if (!k.hasSymbol(variable)) return;
    k.space.storePtr(k.symbol(variable), runNow(k.get(Kobjects).createAndAdd(name, parent)));
  }
}
