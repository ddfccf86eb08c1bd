import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** CON_ENABLED (include/linux/console.h). */
const ENABLED = 4;

/** Consoles that are held still while their device sleeps (kernel/printk/printk.c). What is printed is there at once. */
export class ConsoleFlow implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    console_stop: (console: Ptr) => this.setEnabled(console, false),
    console_start: (console: Ptr) => this.setEnabled(console, true),
  };

  private setEnabled(console: Ptr, on: boolean): void {
    const type = this.k.struct('console');
    const flags = type.get(console, 'flags');
    type.set(console, 'flags', on ? flags | ENABLED : flags & ~ENABLED);
  }
}
