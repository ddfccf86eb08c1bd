import { GuestFault } from '../../cpu/fault.js';
import type { Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import { list } from '../abi/list.js';
import { TASK_UNINTERRUPTIBLE } from '../abi/task-state.js';
import { EALREADY } from '../errno.js';
import { Oops } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import { Waiters } from '../sched/waiters.js';
import type { Subsystem } from '../subsystem.js';
import { alone, Held } from './held.js';
import { NO_SIGNAL } from './no-signal.js';

/**
 * Mutexes (Documentation/locking/mutex-design.rst). `owner` holds the owner's task_struct, as inlined checks
 * expect; locking one's own mutex and unlocking somebody else's are reported.
 */
export class Mutexes implements Subsystem {
  private readonly waiters: Waiters;
  private readonly held: Held;

  /** Where the owner is: with PREEMPT_RT a mutex is one with priority inheritance. */
  private readonly ownerMember: string;

  constructor(private readonly k: LinuxKernel) {
    this.waiters = new Waiters(k);
    this.held = k.get(Held);
    this.ownerMember = k.struct('mutex').has('rtmutex') ? 'rtmutex.owner' : 'owner.counter';
  }

  readonly exports = {
    __mutex_init: (mutex: Ptr) => this.init(mutex),
    __mutex_rt_init: (mutex: Ptr) => this.init(mutex),
    mutex_lock: (mutex: Ptr) => this.enter(mutex),
    mutex_lock_interruptible: partly(NO_SIGNAL, (mutex: Ptr) => this.enter(mutex)),
    mutex_lock_killable: partly(NO_SIGNAL, (mutex: Ptr) => this.enter(mutex)),
    mutex_lock_io: (mutex: Ptr) => this.enter(mutex),
    mutex_trylock: (mutex: Ptr) => this.trylock(mutex),
    mutex_unlock: (mutex: Ptr) => this.unlock(mutex),
    mutex_is_locked: (mutex: Ptr) => this.owner(mutex) !== 0,
    atomic_dec_and_mutex_lock: (counter: Ptr, mutex: Ptr) => this.decrementAndLock(counter, mutex),
    ww_mutex_unlock: (mutex: Ptr) => this.leaveWound(mutex),
    ww_mutex_trylock: (mutex: Ptr, context: Ptr) => {
      const taken = this.trylock(mutex);
      if (taken) this.acquireBy(mutex, context);
      return taken;
    },
    ww_mutex_lock: (mutex: Ptr, context: Ptr) => this.enterWound(mutex, context),
    ww_mutex_lock_interruptible: partly(NO_SIGNAL, (mutex: Ptr, context: Ptr) =>
      this.enterWound(mutex, context),
    ),
  };

  owner(mutex: Ptr): Ptr {
    const raw = this.k.struct('mutex').getBig(mutex, this.ownerMember) & ~7n;
    return this.k.space.fromAddress(raw);
  }

  init(mutex: Ptr): void {
    const type = this.k.struct('mutex');
    this.k.space.writable(mutex, type.size).fill(0);
    if (type.has('wait_list')) list.init(this.k.space, type.addr(mutex, 'wait_list'));
    this.held.forget(mutex);
  }

  *lock(mutex: Ptr): Sleepable<number> {
    return yield* this.k.wait(this.enter(mutex));
  }

  unlock(mutex: Ptr): void {
    const owner = this.owner(mutex);
    if (owner !== this.k.current) {
      const what = owner === 0 ? 'that is not locked' : 'held by another task';
      this.k.traps.complain('lock-misuse', `BUG: mutex_unlock of a mutex ${what}`, mutex);
      if (owner === 0) return;
    }
    this.setOwner(mutex, 0);
    this.held.released('mutex', mutex);
    this.waiters.wakeOne(mutex);
  }

  private enter(mutex: Ptr): number | Sleepable<number> {
    this.k.traps.mightSleep('kernel/locking/mutex.c', 580);
    if (this.take(mutex)) return 0;
    if (this.owner(mutex) === this.k.current) throw this.recursion(mutex);
    return this.slow(mutex);
  }

  /**
   * ww_mutex_lock(): a task may come to a mutex that it holds by the same acquire context, and is told so (Documentation/locking/ww-mutex-design.rst). One
   * that is held by another context is waited for.
   */
  private enterWound(mutex: Ptr, context: Ptr): number | Sleepable<number> {
    const type = this.k.struct('ww_mutex');
    if (context !== 0 && this.owner(mutex) === this.k.current && type.get(mutex, 'ctx') === context)
      return -EALREADY;
    const result = this.enter(mutex);
    if (typeof result === 'number') return this.acquireBy(mutex, context);
    return this.afterWait(result, mutex, context);
  }

  private *afterWait(waiting: Sleepable<number>, mutex: Ptr, context: Ptr): Sleepable<number> {
    yield* waiting;
    return this.acquireBy(mutex, context);
  }

  private acquireBy(mutex: Ptr, context: Ptr): number {
    if (context === 0) return 0;
    const contexts = this.k.struct('ww_acquire_ctx');
    contexts.set(context, 'acquired', contexts.get(context, 'acquired') + 1);
    this.k.struct('ww_mutex').set(mutex, 'ctx', context);
    return 0;
  }

  /** ww_mutex_unlock() */
  private leaveWound(mutex: Ptr): void {
    const type = this.k.struct('ww_mutex');
    const context = type.get(mutex, 'ctx');
    if (context !== 0) {
      const contexts = this.k.struct('ww_acquire_ctx');
      contexts.set(context, 'acquired', Math.max(0, contexts.get(context, 'acquired') - 1));
      type.set(mutex, 'ctx', 0);
    }
    this.unlock(mutex);
  }

  /** The task waits for itself: silently, or with PREEMPT_RT after rt_mutex_handle_deadlock() said so. */
  private recursion(mutex: Ptr): Oops {
    const why = 'BUG: mutex_lock of a mutex that the task holds already: it would wait for itself for ever';
    const isRt = this.k.configured('CONFIG_PREEMPT_RT');
    return new Oops('deadlock', isRt ? 'rtmutex deadlock detected' : why, mutex, why);
  }

  private *slow(mutex: Ptr): Sleepable<number> {
    this.held.checkCircle(mutex);
    this.lookAtOwner(mutex);
    while (!this.take(mutex)) yield* this.waiters.wait(mutex, TASK_UNINTERRUPTIBLE);
    return 0;
  }

  /** mutex_spin_on_owner() looks whether the owner runs: of memory that is no mutex (any more) it reads what is there. */
  private lookAtOwner(mutex: Ptr): void {
    const { space } = this.k;
    const address = this.k.struct('mutex').getBig(mutex, this.ownerMember) & ~7n;
    if (!space.canRead(space.fromAddress(address), 8)) throw new GuestFault(address, 'read', 8);
  }

  /** Takes it if nobody has it; never waits. */
  trylock(mutex: Ptr): boolean {
    return this.take(mutex, true);
  }

  private take(mutex: Ptr, tried = false): boolean {
    if (this.owner(mutex) !== 0) return false;
    this.setOwner(mutex, this.k.current);
    this.held.acquired('mutex', mutex, alone(tried));
    return true;
  }

  private setOwner(mutex: Ptr, task: Ptr): void {
    this.k.struct('mutex').setBig(mutex, this.ownerMember, this.k.space.toAddress(task));
  }

  private *decrementAndLock(counter: Ptr, mutex: Ptr): Sleepable<number> {
    const { space } = this.k;
    if (space.loadInt32(counter) > 1) {
      space.store32(counter, space.loadInt32(counter) - 1);
      return 0;
    }
    yield* this.lock(mutex);
    const left = space.loadInt32(counter) - 1;
    space.store32(counter, left);
    if (left === 0) return 1;
    this.unlock(mutex);
    return 0;
  }
}
