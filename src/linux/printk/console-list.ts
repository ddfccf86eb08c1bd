import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { hlist } from '../abi/hlist.js';
import type { LinuxKernel } from '../kernel.js';
import { Waiters } from '../locking/waiters.js';
import { TASK_UNINTERRUPTIBLE } from '../sched/processes.js';
import type { Subsystem } from '../subsystem.js';

/** What waiters for the lock of the list wait on: no address of a guest. */
const LIST_LOCK = -2;

/**
 * console_list and its lock, of kernels that have them: console_is_registered() and for_each_console() are inlined into
 * modules and look at the list itself (include/linux/console.h).
 */
export class ConsoleList implements Subsystem {
  private held = false;
  private readonly waiters: Waiters;

  constructor(private readonly k: LinuxKernel) {
    this.waiters = new Waiters(k);
  }

  readonly exports = {
    console_list_lock: () => this.lock(),
    console_list_unlock: () => this.unlock(),
  };

  *add(console: Ptr): Sleepable<void> {
    const { k } = this;
    if (!this.isThere()) return;
    yield* this.lock();
    hlist.addHead(k.space, k.struct('console').addr(console, 'node'), k.symbol('console_list'));
    this.unlock();
  }

  *remove(console: Ptr): Sleepable<void> {
    const { k } = this;
    if (!this.isThere()) return;
    yield* this.lock();
    hlist.delInit(k.space, k.struct('console').addr(console, 'node'));
    this.unlock();
  }

  private isThere(): boolean {
    return this.k.hasSymbol('console_list') && this.k.struct('console').has('node');
  }

  private *lock(): Sleepable<void> {
    if (this.held) yield* this.waiters.wait(LIST_LOCK, TASK_UNINTERRUPTIBLE);
    this.held = true;
  }

  private unlock(): void {
    if (!this.waiters.wakeOne(LIST_LOCK)) this.held = false;
  }
}
