import type { Ptr } from '../../cpu/layout.js';
import type { StructType } from '../../kernel/abi/struct.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Oops } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import { Sched } from '../sched/core.js';
import type { Subsystem } from '../subsystem.js';
import { alone, Held, type LockKind, shared } from './held.js';
import { RtWaiters } from './rt-waiters.js';
import { BiasedRw } from './rw-word.js';

/** Where rtlock_might_resched() says that it is. */
const PLACE = ['kernel/locking/spinlock_rt.c', 48] as const;

/**
 * spinlock_t and rwlock_t with PREEMPT_RT: who holds one may be preempted, and others sleep until it is free
 * (Documentation/locking/locktypes.rst). Neither preemption nor interrupts are off meanwhile; a task stays on its CPU.
 */
export class RtSpinlocks implements Subsystem {
  static readonly builtIn = 'CONFIG_PREEMPT_RT';

  private readonly held: Held;
  private readonly waiters: RtWaiters;
  private readonly mutex: StructType;
  private readonly words: BiasedRw;

  constructor(private readonly k: LinuxKernel) {
    this.held = k.get(Held);
    this.waiters = new RtWaiters(k);
    this.mutex = k.struct('rt_mutex_base');
    this.words = new BiasedRw(k, k.struct('rwlock_t'));
  }

  readonly exports = {
    rt_spin_lock: (lock: Ptr) => this.lock(lock),
    rt_spin_unlock: (lock: Ptr) => this.unlock(lock),
    rt_spin_trylock: (lock: Ptr) => Number(this.trylock(lock)),
    rt_spin_lock_unlock: (lock: Ptr) => this.waitUntilFree(lock),
    rt_read_lock: (lock: Ptr) => this.readLock(lock),
    rt_read_trylock: (lock: Ptr) => Number(this.tryRead(lock, true)),
    rt_read_unlock: (lock: Ptr) => this.readUnlock(lock),
    rt_write_lock: (lock: Ptr) => this.writeLock(lock),
    rt_write_trylock: (lock: Ptr) => Number(this.tryWrite(lock, true)),
    rt_write_unlock: (lock: Ptr) => this.writeUnlock(lock),
  };

  /** Takes the lock at once, or sleeps until it is free. `kind` is what reports call it. */
  lock(lock: Ptr, kind: LockKind = 'rt_spinlock'): undefined | Sleepable<undefined> {
    this.k.traps.mightLock(...PLACE);
    if (this.take(lock, kind, false)) return undefined;
    this.refuseOwn(lock, this.owner(lock), kind);
    return this.slow(lock, () => this.take(lock, kind, false));
  }

  trylock(lock: Ptr): boolean {
    return this.take(lock, 'rt_spinlock', true);
  }

  unlock(lock: Ptr, kind: LockKind = 'rt_spinlock'): void {
    if (this.owner(lock) === 0) this.complain('spinlock already unlocked', lock);
    this.mutex.set(lock, 'owner', 0);
    this.leave(kind, lock);
    this.waiters.wakeOne(lock);
  }

  /** The owner that ended will never give it back. */
  abandon(lock: Ptr): void {
    this.mutex.set(lock, 'owner', 0);
    this.held.forget(lock);
    this.waiters.wakeOne(lock);
  }

  private owner(lock: Ptr): Ptr {
    return this.mutex.get(lock, 'owner');
  }

  private take(lock: Ptr, kind: LockKind, tried: boolean): boolean {
    if (this.owner(lock) !== 0) return false;
    this.mutex.set(lock, 'owner', this.k.current);
    this.enter(kind, lock, false, tried);
    return true;
  }

  private *waitUntilFree(lock: Ptr): Sleepable<void> {
    yield* this.k.wait<undefined>(this.lock(lock));
    this.unlock(lock);
  }

  private readLock(lock: Ptr): undefined | Sleepable<undefined> {
    this.k.traps.mightLock(...PLACE);
    if (this.tryRead(lock, false)) return undefined;
    this.refuseOwn(lock, this.words.writer(lock), 'rt_rwlock');
    return this.slow(lock, () => this.tryRead(lock, false));
  }

  private tryRead(lock: Ptr, tried: boolean): boolean {
    if (this.words.hasWriter(lock)) return false;
    this.words.setReaders(lock, this.words.readers(lock) + 1);
    this.enter('rt_rwlock', lock, true, tried);
    return true;
  }

  private readUnlock(lock: Ptr): void {
    const readers = this.words.readers(lock);
    if (readers === 0) this.complain('rwlock is not held for reading', lock);
    else this.words.setReaders(lock, readers - 1);
    this.leave('rt_rwlock', lock);
    if (readers <= 1) this.waiters.wakeAll(lock);
  }

  private writeLock(lock: Ptr): undefined | Sleepable<undefined> {
    this.k.traps.mightLock(...PLACE);
    if (this.tryWrite(lock, false)) return undefined;
    this.refuseOwn(lock, this.words.hasWriter(lock) ? this.words.writer(lock) : 0, 'rt_rwlock');
    return this.slow(lock, () => this.tryWrite(lock, false));
  }

  private tryWrite(lock: Ptr, tried: boolean): boolean {
    if (this.words.hasWriter(lock) || this.words.readers(lock) > 0) return false;
    this.words.setWriter(lock, this.k.current);
    this.enter('rt_rwlock', lock, false, tried);
    return true;
  }

  private writeUnlock(lock: Ptr): void {
    if (!this.words.hasWriter(lock)) this.complain('rwlock is not held for writing', lock);
    this.words.endWriter(lock, 0);
    this.leave('rt_rwlock', lock);
    this.waiters.wakeAll(lock);
  }

  private *slow(lock: Ptr, take: () => boolean): Sleepable<undefined> {
    this.held.checkCircle(lock);
    do yield* this.waiters.wait(lock);
    while (!take());
    return undefined;
  }

  private enter(kind: LockKind, lock: Ptr, reader: boolean, tried: boolean): void {
    this.held.acquired(kind, lock, reader ? shared(tried) : alone(tried));
    this.k.get(Sched).pin(1);
  }

  private leave(kind: LockKind, lock: Ptr): void {
    this.held.released(kind, lock);
    this.k.get(Sched).pin(-1);
  }

  private refuseOwn(lock: Ptr, owner: Ptr, kind: LockKind): void {
    if (owner !== this.k.current) return;
    throw new Oops(
      'deadlock',
      `BUG: the task takes a ${kind} that it holds already: it would wait for itself for ever`,
      lock,
    );
  }

  private complain(what: string, lock: Ptr): void {
    const { k } = this;
    const type = k.struct('task_struct');
    const who = `${type.text(k.current, 'comm')}/${type.get(k.current, 'pid')}`;
    k.traps.complain('lock-misuse', `BUG: ${what} on CPU#0, ${who}`, lock);
  }
}
