import type { Sleepable } from '../../kernel/effects.js';
import type { LinuxKernel } from '../kernel.js';
import { Waiters } from '../locking/waiters.js';
import { TASK_UNINTERRUPTIBLE } from '../sched/processes.js';
import type { Subsystem } from '../subsystem.js';

/** What waiters for the console lock wait on: no address of a guest. */
const CONSOLE_LOCK = -1;

/** The lock over all consoles (include/linux/console.h). Consoles of modules are in consoles.ts. */
export class ConsoleLock implements Subsystem {
  private held = false;
  private readonly waiters: Waiters;

  constructor(k: LinuxKernel) {
    this.waiters = new Waiters(k);
  }

  readonly exports = {
    console_lock: () => this.lock(),
    console_trylock: () => {
      if (this.held) return 0;
      this.held = true;
      return 1;
    },
    console_unlock: () => {
      if (!this.waiters.wakeOne(CONSOLE_LOCK)) this.held = false;
    },
    is_console_locked: () => (this.held ? 1 : 0),
  };

  private *lock(): Sleepable<void> {
    if (this.held) yield* this.waiters.wait(CONSOLE_LOCK, TASK_UNINTERRUPTIBLE);
    this.held = true;
  }
}
