import type { Sleepable } from '../../kernel/effects.js';
import { TASK_UNINTERRUPTIBLE } from '../abi/task-state.js';
import type { LinuxKernel } from '../kernel.js';
import { Waiters } from '../sched/waiters.js';

/** What waiters wait on: each lock has a list of its own. */
const ONLY = 0;

/** A lock of the base kernel's own that is waited for asleep, first come, first served. */
export class SleepingLock {
  private held = false;
  private readonly waiters: Waiters;

  constructor(k: LinuxKernel) {
    this.waiters = new Waiters(k);
  }

  get isHeld(): boolean {
    return this.held;
  }

  *lock(): Sleepable<void> {
    if (this.held) yield* this.waiters.wait(ONLY, TASK_UNINTERRUPTIBLE);
    this.held = true;
  }

  tryLock(): boolean {
    if (this.held) return false;
    this.held = true;
    return true;
  }

  /** Who waits first has it next. */
  unlock(): void {
    if (!this.waiters.wakeOne(ONLY)) this.held = false;
  }
}
