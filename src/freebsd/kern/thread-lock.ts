import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Mutexes } from './mutex.js';

/** thread_lock() (sys/kern/kern_mutex.c): every thread's lock is that of the one processor's run queue. */
export class ThreadLocks implements Subsystem {
  private lock: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    // The release is inlined: that of a spin mutex.
    _thread_lock: (thread: Ptr) =>
      this.k.get(Mutexes).lockSpin(this.k.struct('thread').get(thread, 'td_lock')),
    thread_lock_flags_: (thread: Ptr) =>
      this.k.get(Mutexes).lockSpin(this.k.struct('thread').get(thread, 'td_lock')),
  };

  boot(): void {
    const { k } = this;
    this.lock = k.permanent(k.sizeOf('mtx'));
    const options = k.macro('MTX_SPIN') | k.macro('MTX_RECURSE');
    k.get(Mutexes).init(this.lock, k.constantString('sched lock 0'), options);
    // It is the kernel's own.
    k.origins.forget(this.lock);
    const give = (thread: Ptr): void => k.struct('thread').set(thread, 'td_lock', this.lock);
    k.processes.onThread.push(give);
    give(k.curthread);
    for (const { threads } of k.processes.list) for (const { object } of threads) give(object);
  }
}
