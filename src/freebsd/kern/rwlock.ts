import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { lockFlags } from './lock-flags.js';
import { SharedLocks } from './shared-lock.js';

/** rwlock(9): reader/writer locks whose owners may not sleep (sys/kern/kern_rwlock.c). Most functions take the address of rw_lock. */
export class RwLocks implements Subsystem {
  readonly locks: SharedLocks;
  private readonly offset: number;

  constructor(private readonly k: FreebsdKernel) {
    this.offset = k.struct('rwlock').offsetOf('rw_lock');
    const sharedWaiters = k.macro('RW_LOCK_READ_WAITERS');
    const exclusiveWaiters = k.macro('RW_LOCK_WRITE_WAITERS');
    const flags = {
      shared: k.macro('RW_LOCK_READ'),
      sharedWaiters,
      exclusiveWaiters,
      recursed: k.macro('RW_LOCK_WRITER_RECURSED'),
      destroyed: sharedWaiters | exclusiveWaiters,
      oneSharer: 1 << k.macro('RW_READERS_SHIFT'),
    };
    this.locks = new SharedLocks(k, 'rw', flags, this.offset, false);
  }

  readonly exports = {
    _rw_init_flags: (word: Ptr, name: Ptr, opts: number) => this.init(this.of(word), name, opts),
    rw_sysinit: (args: Ptr) => {
      const type = this.k.struct('rw_args');
      this.init(type.get(args, 'ra_rw'), type.get(args, 'ra_desc'), type.get(args, 'ra_flags'));
    },
    _rw_destroy: (word: Ptr) => this.locks.destroy(this.of(word)),
    _rw_wowned: (word: Ptr) => Number(this.locks.isMine(this.of(word))),
    _rw_wlock_cookie: (word: Ptr, file: Ptr, line: number) =>
      this.locks.exclusiveCalled(this.of(word), { file, line }),
    __rw_wlock_hard: (word: Ptr) => this.locks.exclusive(this.of(word)),
    _rw_wunlock_cookie: (word: Ptr) => this.locks.releaseExclusive(this.of(word)),
    __rw_wunlock_hard: (word: Ptr) => this.locks.releaseExclusive(this.of(word)),
    __rw_try_wlock: (word: Ptr) => Number(this.locks.tryExclusive(this.of(word))),
    __rw_try_wlock_int: (rw: Ptr) => Number(this.locks.tryExclusive(rw)),
    __rw_rlock: (word: Ptr, file: Ptr, line: number) =>
      this.locks.sharedCalled(this.of(word), { file, line }),
    __rw_rlock_int: (rw: Ptr) => this.locks.shared(rw),
    __rw_try_rlock: (word: Ptr) => Number(this.locks.tryShared(this.of(word))),
    __rw_try_rlock_int: (rw: Ptr) => Number(this.locks.tryShared(rw)),
    _rw_runlock_cookie: (word: Ptr) => this.locks.releaseShared(this.of(word)),
    _rw_runlock_cookie_int: (rw: Ptr) => this.locks.releaseShared(rw),
    __rw_try_upgrade: (word: Ptr) => Number(this.locks.tryUpgrade(this.of(word))),
    __rw_try_upgrade_int: (rw: Ptr) => Number(this.locks.tryUpgrade(rw)),
    __rw_downgrade: (word: Ptr) => this.locks.downgrade(this.of(word)),
    __rw_downgrade_int: (rw: Ptr) => this.locks.downgrade(rw),
  };

  readonly data = { lock_class_rw: () => {} };

  private of(word: Ptr): Ptr {
    return word - this.offset;
  }

  init(rw: Ptr, name: Ptr, opts: number): void {
    const { k } = this;
    this.locks.init(rw, 'rw', name, lockFlags(k, 'RW', opts) | k.macro('LO_UPGRADABLE'));
  }
}
