import type { Ptr } from '../../cpu/layout.js';
import { PREEMPT_OFFSET, SOFTIRQ_DISABLE_OFFSET, SOFTIRQ_OFFSET } from '../abi/preempt-count.js';
import { Oops } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { alone, Held, type LockKind, shared } from './held.js';

/** Parts of preempt_count (include/linux/preempt.h). */
const SOFTIRQ_LOCK_OFFSET = SOFTIRQ_DISABLE_OFFSET + PREEMPT_OFFSET;

const RFLAGS_IF = 0x200n;
const LOCKED = 1;
/** queued rwlock: a writer holds it; what one reader adds. */
const WRITER = 0xff;
const READER = 0x200;

/**
 * Spinlocks and rwlocks on one CPU: taking a lock that is held can only be a deadlock, since nobody else can
 * run to give it back (Documentation/locking/spinlocks.rst).
 */
export class Spinlocks implements Subsystem {
  private readonly held: Held;
  private readonly counts: boolean;
  /** A kernel for one processor has spinlocks without a word: what holds them is that nobody is preempted. */
  private readonly hasWord: boolean;

  constructor(private readonly k: LinuxKernel) {
    this.held = k.get(Held);
    this.hasWord = k.sizeOf('raw_spinlock') > 0;
    // A target whose configuration nobody knows is taken for one that counts.
    this.counts = k.configured('CONFIG_PREEMPT_COUNT') || k.target.config.size === 0;
  }

  readonly exports = {
    _raw_spin_lock: (lock: Ptr) => this.lock(lock, PREEMPT_OFFSET),
    _raw_spin_lock_bh: (lock: Ptr) => this.lock(lock, SOFTIRQ_LOCK_OFFSET),
    _raw_spin_lock_irq: (lock: Ptr) => {
      this.irqDisable();
      this.lock(lock, PREEMPT_OFFSET);
    },
    _raw_spin_lock_irqsave: (lock: Ptr) => this.irqSave(() => this.lock(lock, PREEMPT_OFFSET)),
    _raw_spin_trylock: (lock: Ptr) => this.trylock(lock, PREEMPT_OFFSET),
    _raw_spin_trylock_bh: (lock: Ptr) => this.trylock(lock, SOFTIRQ_LOCK_OFFSET),
    _raw_spin_unlock: (lock: Ptr) => this.unlock(lock, PREEMPT_OFFSET),
    _raw_spin_unlock_bh: (lock: Ptr) => this.unlock(lock, SOFTIRQ_LOCK_OFFSET),
    _raw_spin_unlock_irq: (lock: Ptr) => {
      this.unlock(lock, PREEMPT_OFFSET);
      this.k.cpu.interruptsEnabled = true;
    },
    _raw_spin_unlock_irqrestore: (lock: Ptr, flags: bigint) => {
      this.unlock(lock, PREEMPT_OFFSET);
      this.irqRestore(flags);
    },
    _raw_read_lock: (lock: Ptr) => this.readLock(lock, PREEMPT_OFFSET),
    _raw_read_lock_bh: (lock: Ptr) => this.readLock(lock, SOFTIRQ_LOCK_OFFSET),
    _raw_read_lock_irq: (lock: Ptr) => {
      this.irqDisable();
      this.readLock(lock, PREEMPT_OFFSET);
    },
    _raw_read_lock_irqsave: (lock: Ptr) => this.irqSave(() => this.readLock(lock, PREEMPT_OFFSET)),
    _raw_read_trylock: (lock: Ptr) => this.readTrylock(lock),
    _raw_read_unlock: (lock: Ptr) => this.readUnlock(lock, PREEMPT_OFFSET),
    _raw_read_unlock_bh: (lock: Ptr) => this.readUnlock(lock, SOFTIRQ_LOCK_OFFSET),
    _raw_read_unlock_irq: (lock: Ptr) => {
      this.readUnlock(lock, PREEMPT_OFFSET);
      this.k.cpu.interruptsEnabled = true;
    },
    _raw_read_unlock_irqrestore: (lock: Ptr, flags: bigint) => {
      this.readUnlock(lock, PREEMPT_OFFSET);
      this.irqRestore(flags);
    },
    _raw_write_lock: (lock: Ptr) => this.writeLock(lock, PREEMPT_OFFSET),
    _raw_write_lock_nested: (lock: Ptr) => this.writeLock(lock, PREEMPT_OFFSET),
    _raw_write_lock_bh: (lock: Ptr) => this.writeLock(lock, SOFTIRQ_LOCK_OFFSET),
    _raw_write_lock_irq: (lock: Ptr) => {
      this.irqDisable();
      this.writeLock(lock, PREEMPT_OFFSET);
    },
    _raw_write_lock_irqsave: (lock: Ptr) => this.irqSave(() => this.writeLock(lock, PREEMPT_OFFSET)),
    _raw_write_trylock: (lock: Ptr) => this.writeTrylock(lock),
    _raw_write_unlock: (lock: Ptr) => this.writeUnlock(lock, PREEMPT_OFFSET),
    _raw_write_unlock_bh: (lock: Ptr) => this.writeUnlock(lock, SOFTIRQ_LOCK_OFFSET),
    _raw_write_unlock_irq: (lock: Ptr) => {
      this.writeUnlock(lock, PREEMPT_OFFSET);
      this.k.cpu.interruptsEnabled = true;
    },
    _raw_write_unlock_irqrestore: (lock: Ptr, flags: bigint) => {
      this.writeUnlock(lock, PREEMPT_OFFSET);
      this.irqRestore(flags);
    },
  };

  readonly signatures = {
    _raw_spin_lock_irqsave: 'Q:p',
    _raw_spin_unlock_irqrestore: 'v:pQ',
    _raw_read_lock_irqsave: 'Q:p',
    _raw_read_unlock_irqrestore: 'v:pQ',
    _raw_write_lock_irqsave: 'Q:p',
    _raw_write_unlock_irqrestore: 'v:pQ',
  };

  /**
   * Changes preempt_count. Without CONFIG_PREEMPT_COUNT it counts softirqs and interrupts alone: modules give locks back by code of
   * their own then, which leaves it as it is.
   */
  preempt(by: number): void {
    this.k.processes.preemptCount += this.counts ? by : by - (by % SOFTIRQ_OFFSET);
  }

  lock(lock: Ptr, offset: number, tried = false): void {
    this.preempt(offset);
    if (!this.hasWord) return;
    if (this.k.space.loadInt32(lock) !== 0) this.deadlock('spinlock', lock);
    this.k.space.store32(lock, LOCKED);
    this.held.acquired('spinlock', lock, alone(tried));
  }

  unlock(lock: Ptr, offset: number): void {
    if (!this.hasWord) {
      this.preempt(-offset);
      return;
    }
    if (this.k.space.loadInt32(lock) === 0) this.notHeld(lock, 'spinlock already unlocked');
    this.k.space.store32(lock, 0);
    this.held.released('spinlock', lock);
    this.preempt(-offset);
  }

  private trylock(lock: Ptr, offset: number): number {
    if (this.hasWord && this.k.space.loadInt32(lock) !== 0) return 0;
    this.lock(lock, offset, true);
    return 1;
  }

  private readLock(lock: Ptr, offset: number, tried = false): void {
    this.preempt(offset);
    const count = this.k.space.load32(lock);
    if ((count & WRITER) !== 0) this.deadlock('rwlock', lock);
    this.k.space.store32(lock, count + READER);
    this.held.acquired('rwlock', lock, shared(tried));
  }

  private readTrylock(lock: Ptr): number {
    if ((this.k.space.load32(lock) & WRITER) !== 0) return 0;
    this.readLock(lock, PREEMPT_OFFSET, true);
    return 1;
  }

  private readUnlock(lock: Ptr, offset: number): void {
    const count = this.k.space.load32(lock);
    if (count < READER) this.notHeld(lock, 'rwlock is not held for reading');
    else this.k.space.store32(lock, count - READER);
    this.held.released('rwlock', lock);
    this.preempt(-offset);
  }

  private writeLock(lock: Ptr, offset: number, tried = false): void {
    this.preempt(offset);
    if (this.k.space.load32(lock) !== 0) this.deadlock('rwlock', lock);
    this.k.space.store32(lock, WRITER);
    this.held.acquired('rwlock', lock, alone(tried));
  }

  private writeTrylock(lock: Ptr): number {
    if (this.k.space.load32(lock) !== 0) return 0;
    this.writeLock(lock, PREEMPT_OFFSET, true);
    return 1;
  }

  private writeUnlock(lock: Ptr, offset: number): void {
    if ((this.k.space.load32(lock) & WRITER) === 0) this.notHeld(lock, 'rwlock is not held for writing');
    this.k.space.store32(lock, 0);
    this.held.released('rwlock', lock);
    this.preempt(-offset);
  }

  private irqDisable(): void {
    this.k.cpu.interruptsEnabled = false;
  }

  private irqSave(body: () => void): bigint {
    const flags = this.k.cpu.interruptsEnabled ? RFLAGS_IF : 0n;
    this.k.cpu.interruptsEnabled = false;
    body();
    return flags;
  }

  private irqRestore(flags: bigint): void {
    this.k.cpu.interruptsEnabled = (flags & RFLAGS_IF) !== 0n;
  }

  private who(task: Ptr): string {
    const type = this.k.struct('task_struct');
    return task === 0 ? '<none>/-1' : `${type.text(task, 'comm')}/${type.get(task, 'pid')}`;
  }

  private deadlock(lockKind: LockKind, lock: Ptr): never {
    const holder = this.held.holders(lock)[0]?.task;
    // Interrupt work has no task_struct: it is the interrupted task for others.
    const owner = holder && holder === this.k.executor.current ? this.k.current : (holder?.object ?? 0);
    const kind = owner === this.k.current ? `${lockKind} recursion` : `${lockKind} lockup suspected`;
    throw new Oops(
      'deadlock',
      `BUG: ${kind} on CPU#0, ${this.who(this.k.current)} (held by ${this.who(owner)})`,
      lock,
    );
  }

  private notHeld(lock: Ptr, what: string): void {
    this.k.traps.complain('lock-misuse', `BUG: ${what} on CPU#0, ${this.who(this.k.current)}`, lock);
  }
}
