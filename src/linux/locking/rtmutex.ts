import type { Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import { TASK_UNINTERRUPTIBLE } from '../abi/task-state.js';
import { Oops } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import { Waiters } from '../sched/waiters.js';
import type { Subsystem } from '../subsystem.js';
import { alone, Held } from './held.js';
import { NO_SIGNAL } from './no-signal.js';

/** Mutexes with priority inheritance (kernel/locking/rtmutex_api.c), and per-CPU reader-writer semaphores. */
export class RtMutexes implements Subsystem {
  private readonly waiters: Waiters;
  private readonly held: Held;

  constructor(private readonly k: LinuxKernel) {
    this.waiters = new Waiters(k);
    this.held = k.get(Held);
  }

  readonly exports = {
    __rt_mutex_init: (mutex: Ptr) => this.init(mutex),
    rt_mutex_base_init: (mutex: Ptr) => {
      this.k.space.writable(mutex, this.k.sizeOf('rt_mutex_base')).fill(0);
      this.held.forget(mutex);
    },
    rt_mutex_lock: (mutex: Ptr) => this.lock(mutex),
    rt_mutex_lock_interruptible: partly(NO_SIGNAL, (mutex: Ptr) => this.lock(mutex)),
    rt_mutex_trylock: (mutex: Ptr) => (this.trylock(mutex) ? 1 : 0),
    rt_mutex_unlock: (mutex: Ptr) => this.unlock(mutex),
    __percpu_init_rwsem: (sem: Ptr) => this.initSemaphore(sem),
    percpu_free_rwsem: (sem: Ptr) => {
      const type = this.k.struct('percpu_rw_semaphore');
      const count = type.get(sem, 'read_count');
      if (count !== 0) this.k.percpu.free(count);
      type.set(sem, 'read_count', 0);
    },
    __percpu_down_read: (sem: Ptr) => this.downRead(sem),
    percpu_down_write: (sem: Ptr) => this.downWrite(sem),
    percpu_up_write: (sem: Ptr) => {
      this.k.struct('percpu_rw_semaphore').set(sem, 'block.counter', 0);
      this.held.released('percpu_rw_semaphore', sem);
      this.waiters.wakeAll(sem);
    },
  };

  init(mutex: Ptr): void {
    this.k.space.writable(mutex, this.k.sizeOf('rt_mutex')).fill(0);
    this.held.forget(mutex);
  }

  trylock(mutex: Ptr): boolean {
    return this.take(mutex, true);
  }

  *lock(mutex: Ptr): Sleepable<number> {
    this.k.traps.mightSleep('kernel/locking/rtmutex_api.c', 0);
    const type = this.k.struct('rt_mutex');
    if ((type.getBig(mutex, 'rtmutex.owner') & ~1n) === this.k.space.toAddress(this.k.current))
      throw new Oops('deadlock', 'BUG: rt_mutex_lock of a mutex that the task holds already', mutex);
    if (this.take(mutex)) return 0;
    this.held.checkCircle(mutex);
    while (!this.take(mutex)) yield* this.waiters.wait(mutex, TASK_UNINTERRUPTIBLE);
    return 0;
  }

  private take(mutex: Ptr, tried = false): boolean {
    const type = this.k.struct('rt_mutex');
    if (type.get(mutex, 'rtmutex.owner') !== 0) return false;
    type.set(mutex, 'rtmutex.owner', this.k.current);
    this.held.acquired('rt_mutex', mutex, alone(tried));
    return true;
  }

  unlock(mutex: Ptr): void {
    const type = this.k.struct('rt_mutex');
    if (type.get(mutex, 'rtmutex.owner') === 0)
      this.k.traps.complain('lock-misuse', 'BUG: rt_mutex_unlock of a mutex that is not locked', mutex);
    type.set(mutex, 'rtmutex.owner', 0);
    this.held.released('rt_mutex', mutex);
    this.waiters.wakeOne(mutex);
  }

  private initSemaphore(sem: Ptr): number {
    const type = this.k.struct('percpu_rw_semaphore');
    this.k.space.writable(sem, type.size).fill(0);
    this.held.forget(sem);
    type.set(sem, 'read_count', this.k.percpu.allocate(4, 4));
    return 0;
  }

  /** The slow path of percpu_down_read: a writer is there. */
  private *downRead(sem: Ptr): Sleepable<boolean> {
    const type = this.k.struct('percpu_rw_semaphore');
    while (type.get(sem, 'block.counter') !== 0) yield* this.waiters.wait(sem, TASK_UNINTERRUPTIBLE);
    const count = this.k.percpu.deref(type.get(sem, 'read_count'));
    this.k.space.store32(count, this.k.space.loadInt32(count) + 1);
    return true;
  }

  private *downWrite(sem: Ptr): Sleepable<void> {
    const type = this.k.struct('percpu_rw_semaphore');
    const readers = (): number => this.k.space.loadInt32(this.k.percpu.deref(type.get(sem, 'read_count')));
    while (type.get(sem, 'block.counter') !== 0 || readers() !== 0)
      yield* this.waiters.wait(sem, TASK_UNINTERRUPTIBLE);
    type.set(sem, 'block.counter', 1);
    this.held.acquired('percpu_rw_semaphore', sem);
  }
}
