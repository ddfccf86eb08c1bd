import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { LOCK_CLASSES, type LockClass } from './locks.js';
import { Mutexes } from './mutex.js';
import { Panic } from './panic.js';
import { RmLocks } from './rmlock.js';
import { RwLocks } from './rwlock.js';
import { SxLocks } from './sx.js';

const EXCLUSIVE = 0;
const SHARED = 1;

/** What works on a lock of any class: lc_lock and lc_unlock of its struct lock_class. */
export class AnyLock implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: FreebsdKernel) {}

  classOf(lock: Ptr): LockClass {
    const { k } = this;
    const flags = k.struct('lock_object').get(lock, 'lo_flags');
    const name = LOCK_CLASSES[(flags & k.macro('LO_CLASSMASK')) >>> k.macro('LO_CLASSSHIFT')];
    if (flags & k.macro('LO_INITIALIZED') && name) return name;
    throw new Panic(
      `0x${k.space.toAddress(lock).toString(16)} is no lock that was initialised`,
      'lock-misuse',
      lock,
    );
  }

  /** Gives it up: how it was held, for `take`. */
  release(lock: Ptr): number {
    const { k } = this;
    switch (this.classOf(lock)) {
      case 'sleep mutex':
        k.get(Mutexes).unlock(lock);
        return EXCLUSIVE;
      case 'spin mutex':
        k.get(Mutexes).unlockSpin(lock);
        return EXCLUSIVE;
      case 'sx':
        return this.releaseShared(k.get(SxLocks).locks, lock);
      case 'rw':
        return this.releaseShared(k.get(RwLocks).locks, lock);
      case 'rm':
      case 'sleepable rm':
        return k.get(RmLocks).release(lock);
      default:
        throw new Panic(
          `a sleep that gives up a ${this.classOf(lock)} is not implemented`,
          'unimplemented-export',
        );
    }
  }

  private releaseShared(locks: SxLocks['locks'], lock: Ptr): number {
    if (locks.isMine(lock)) {
      locks.releaseExclusive(lock);
      return EXCLUSIVE;
    }
    locks.releaseShared(lock);
    return SHARED;
  }

  *take(lock: Ptr, how: number): Sleepable<void> {
    const { k } = this;
    switch (this.classOf(lock)) {
      case 'sleep mutex':
        yield* k.get(Mutexes).lock(lock);
        return;
      case 'spin mutex':
        k.get(Mutexes).lockSpin(lock);
        return;
      case 'sx':
        yield* how === SHARED ? k.get(SxLocks).locks.shared(lock) : k.get(SxLocks).locks.exclusive(lock);
        return;
      case 'rw':
        yield* how === SHARED ? k.get(RwLocks).locks.shared(lock) : k.get(RwLocks).locks.exclusive(lock);
        return;
      default:
        yield* k.get(RmLocks).wlock(lock);
    }
  }
}
