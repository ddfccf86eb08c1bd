import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { hlist } from '../abi/hlist.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { SleepingLock } from './sleeping-lock.js';

/**
 * console_list and its lock, of kernels that have them: console_is_registered() and for_each_console() are inlined into
 * modules and look at the list itself (include/linux/console.h).
 */
export class ConsoleList implements Subsystem {
  private readonly list: SleepingLock;

  constructor(private readonly k: LinuxKernel) {
    this.list = new SleepingLock(k);
  }

  readonly exports = {
    console_list_lock: () => this.list.lock(),
    console_list_unlock: () => this.list.unlock(),
  };

  *add(console: Ptr): Sleepable<void> {
    const { k } = this;
    if (!this.isThere()) return;
    yield* this.list.lock();
    hlist.addHead(k.space, k.struct('console').addr(console, 'node'), k.symbol('console_list'));
    this.list.unlock();
  }

  *remove(console: Ptr): Sleepable<void> {
    const { k } = this;
    if (!this.isThere()) return;
    yield* this.list.lock();
    hlist.delInit(k.space, k.struct('console').addr(console, 'node'));
    this.list.unlock();
  }

  private isThere(): boolean {
    return this.k.hasSymbol('console_list') && this.k.struct('console').has('node');
  }
}
