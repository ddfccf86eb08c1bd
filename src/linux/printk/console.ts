import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { SleepingLock } from './sleeping-lock.js';

/** The lock over all consoles (include/linux/console.h). Consoles of modules are in consoles.ts. */
export class ConsoleLock implements Subsystem {
  private readonly consoles: SleepingLock;

  constructor(k: LinuxKernel) {
    this.consoles = new SleepingLock(k);
  }

  readonly exports = {
    console_lock: () => this.consoles.lock(),
    console_trylock: () => (this.consoles.tryLock() ? 1 : 0),
    console_unlock: () => this.consoles.unlock(),
    is_console_locked: () => (this.consoles.isHeld ? 1 : 0),
  };
}
