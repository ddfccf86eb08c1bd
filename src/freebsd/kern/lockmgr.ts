import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EBUSY } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { AnyLock } from './any-lock.js';
import { Locks } from './locks.js';
import { Panic } from './panic.js';
import { SharedLocks } from './shared-lock.js';
import { type Place, UNSAID } from './witness.js';

/** What a call of lockmgr(9) wants. */
interface Request {
  readonly lock: Ptr;
  readonly flags: number;
  /** A mutex or rwlock that is given up, with LK_INTERLOCK. */
  readonly interlock: Ptr;
  readonly place: Place;
}

/** lockmgr(9): shared and exclusive locks of vnodes and buffers (sys/kern/kern_lock.c). Their word has the form of an sx lock's. */
export class Lockmgr implements Subsystem {
  readonly locks: SharedLocks;

  constructor(private readonly k: FreebsdKernel) {
    const sharedWaiters = k.macro('LK_SHARED_WAITERS');
    const exclusiveWaiters = k.macro('LK_EXCLUSIVE_WAITERS');
    const flags = {
      shared: k.macro('LK_SHARE'),
      sharedWaiters,
      exclusiveWaiters,
      recursed: k.macro('LK_WRITER_RECURSED'),
      destroyed: sharedWaiters | exclusiveWaiters,
      oneSharer: 1 << k.macro('LK_SHARERS_SHIFT'),
    };
    this.locks = new SharedLocks(k, 'lockmgr', flags, k.struct('lock').offsetOf('lk_lock'), true);
  }

  readonly exports = {
    lockinit: (lock: Ptr, priority: number, name: Ptr, timeout: number, flags: number) =>
      this.init(lock, { priority, name, timeout, flags }),
    lockdestroy: (lock: Ptr) => this.locks.destroy(lock),
    __lockmgr_args: (
      lock: Ptr,
      flags: number,
      interlock: Ptr,
      _message: Ptr,
      _priority: number,
      _timeout: number,
      file: Ptr,
      line: number,
    ) => this.request({ lock, flags, interlock, place: { file, line } }),
    lockmgr_lock_flags: (lock: Ptr, flags: number, interlock: Ptr, file: Ptr, line: number) =>
      this.request({ lock, flags, interlock, place: { file, line } }),
    lockmgr_slock: (lock: Ptr, flags: number, file: Ptr, line: number) =>
      this.request({ lock, flags, interlock: 0, place: { file, line } }),
    lockmgr_xlock: (lock: Ptr, flags: number, file: Ptr, line: number) =>
      this.request({ lock, flags, interlock: 0, place: { file, line } }),
    lockmgr_unlock: (lock: Ptr) => this.release(lock),
    lockstatus: (lock: Ptr) => this.status(lock),
    lockallowrecurse: (lock: Ptr) => this.change(lock, 'LO_RECURSABLE', true),
    lockdisablerecurse: (lock: Ptr) => this.change(lock, 'LO_RECURSABLE', false),
    lockallowshare: (lock: Ptr) => void this.exclusiveOnly.delete(lock),
    lockdisableshare: (lock: Ptr) => void this.exclusiveOnly.add(lock),
    _lockmgr_assert: (lock: Ptr, what: number, file: Ptr, line: number) =>
      this.assert(lock, what, { file, line }),
  };

  readonly data = { lock_class_lockmgr: () => {} };

  /** LK_NOSHARE: who asks for a share has the lock alone. */
  private readonly exclusiveOnly = new Set<Ptr>();

  init(
    lock: Ptr,
    how: {
      readonly name: Ptr;
      readonly flags: number;
      readonly priority?: number;
      readonly timeout?: number;
    },
  ): void {
    const { k } = this;
    const has = (name: string): boolean => (how.flags & k.macro(name)) !== 0;
    let flags = k.macro('LO_SLEEPABLE') | k.macro('LO_UPGRADABLE');
    if (has('LK_CANRECURSE')) flags |= k.macro('LO_RECURSABLE');
    if (!has('LK_NODUP')) flags |= k.macro('LO_DUPOK');
    if (!has('LK_NOWITNESS')) flags |= k.macro('LO_WITNESS');
    if (has('LK_NEW')) flags |= k.macro('LO_NEW');
    this.locks.init(lock, 'lockmgr', how.name, flags);
    const type = k.struct('lock');
    type.set(lock, 'lk_exslpfail', 0);
    type.set(lock, 'lk_pri', how.priority ?? 0);
    type.set(lock, 'lk_timo', how.timeout ?? 0);
    if (has('LK_NOSHARE')) this.exclusiveOnly.add(lock);
    else this.exclusiveOnly.delete(lock);
  }

  /** lockmgr(): 0, or EBUSY where the lock cannot be had at once and LK_NOWAIT says not to wait. */
  *request({ lock, flags, interlock, place }: Request): Sleepable<number> {
    const { k } = this;
    const operation = flags & k.macro('LK_TYPE_MASK');
    const waits = (flags & k.macro('LK_NOWAIT')) === 0;
    if (flags & k.macro('LK_INTERLOCK') && interlock !== 0) k.get(AnyLock).release(interlock);
    switch (operation) {
      case k.macro('LK_SHARED'):
        return yield* this.shared(lock, waits, place, flags);
      case k.macro('LK_EXCLUSIVE'):
      case k.macro('LK_DRAIN'):
        return yield* this.exclusive(lock, waits, place, flags);
      case k.macro('LK_UPGRADE'):
      case k.macro('LK_TRYUPGRADE'):
        return yield* this.upgrade(lock, operation === k.macro('LK_UPGRADE') && waits, place);
      case k.macro('LK_DOWNGRADE'):
        if (this.locks.isMine(lock)) this.locks.downgrade(lock);
        return 0;
      case k.macro('LK_RELEASE'):
        return this.release(lock);
      default:
        throw new Panic(`lockmgr: unknown lockmgr request 0x${operation.toString(16)}`);
    }
  }

  private *shared(lock: Ptr, waits: boolean, place: Place, flags: number): Sleepable<number> {
    // Who has it alone and wants to share it has it alone once more.
    if (this.exclusiveOnly.has(lock) || this.locks.isMine(lock))
      return yield* this.exclusive(lock, waits, place, flags);
    if (!waits) return this.locks.tryShared(lock) ? 0 : EBUSY;
    this.k.get(Locks).mightSleep('lockmgr()');
    yield* this.locks.sharedCalled(lock, place, true);
    return 0;
  }

  private *exclusive(lock: Ptr, waits: boolean, place: Place, flags: number): Sleepable<number> {
    const { k } = this;
    const allowed = (flags & k.macro('LK_CANRECURSE')) !== 0;
    if (this.locks.isMine(lock)) {
      if (!waits && !allowed && !this.isRecursable(lock)) return EBUSY;
      this.locks.recurse(lock, allowed);
      return 0;
    }
    if (!waits) return this.locks.tryExclusive(lock) ? 0 : EBUSY;
    k.get(Locks).mightSleep('lockmgr()');
    yield* this.locks.exclusiveCalled(lock, place, true);
    return 0;
  }

  private isRecursable(lock: Ptr): boolean {
    return (this.k.struct('lock_object').get(lock, 'lo_flags') & this.k.macro('LO_RECURSABLE')) !== 0;
  }

  /** A reader that others read with has to give it up and wait: what it read may have changed then. */
  private *upgrade(lock: Ptr, waits: boolean, place: Place): Sleepable<number> {
    if (this.locks.isMine(lock) || this.locks.tryUpgrade(lock)) return 0;
    if (!waits) return EBUSY;
    this.locks.releaseShared(lock);
    yield* this.locks.exclusiveCalled(lock, place, true);
    return 0;
  }

  release(lock: Ptr): number {
    if (this.locks.isMine(lock)) this.locks.releaseExclusive(lock);
    else this.locks.releaseShared(lock);
    return 0;
  }

  /** lockstatus(): how the running thread has it, LK_EXCLOTHER where another has it alone, 0 where nobody has it. */
  status(lock: Ptr): number {
    const { k, locks } = this;
    if (locks.isMine(lock)) return k.macro('LK_EXCLUSIVE');
    if (locks.owners(lock).length === 0) return 0;
    return locks.word(lock).has(k.macro('LK_SHARE')) ? k.macro('LK_SHARED') : k.macro('LK_EXCLOTHER');
  }

  private change(lock: Ptr, flag: string, on: boolean): void {
    const type = this.k.struct('lock_object');
    const flags = type.get(lock, 'lo_flags');
    const bit = this.k.macro(flag);
    type.set(lock, 'lo_flags', on ? flags | bit : flags & ~bit);
  }

  /** KA_UNLOCKED, KA_LOCKED and so on. */
  private assert(lock: Ptr, what: number, { file, line }: Place): void {
    const { k } = this;
    const status = this.status(lock);
    const mine = status === k.macro('LK_EXCLUSIVE') || this.locks.isShared(lock);
    const unlocked = what === k.macro('LA_UNLOCKED');
    const alone = (what & k.macro('LA_XLOCKED')) !== 0;
    const wrong = unlocked ? mine : !mine || (alone && status !== k.macro('LK_EXCLUSIVE'));
    if (!wrong) return;
    const name = k.get(Locks).nameOf(lock);
    throw new Panic(
      `Lock ${name} not ${unlocked ? 'un' : ''}locked @ ${k.space.cstring(file)}:${line}.`,
      'lock-misuse',
      lock,
    );
  }

  /** Takes it alone, for the base kernel's own code. */
  *lockExclusive(lock: Ptr): Sleepable<void> {
    yield* this.exclusive(lock, true, UNSAID, 0);
  }
}
