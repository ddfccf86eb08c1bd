import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { lockFlags } from './lock-flags.js';
import { Locks } from './locks.js';
import { SharedLocks } from './shared-lock.js';
import { type Place, UNSAID } from './witness.js';

/** sx(9): shared/exclusive locks whose owners may sleep (sys/kern/kern_sx.c). An interruptible wait is one without signals. */
export class SxLocks implements Subsystem {
  readonly locks: SharedLocks;

  constructor(private readonly k: FreebsdKernel) {
    const shared = k.macro('SX_LOCK_SHARED');
    const sharedWaiters = k.macro('SX_LOCK_SHARED_WAITERS');
    const exclusiveWaiters = k.macro('SX_LOCK_EXCLUSIVE_WAITERS');
    const flags = {
      shared,
      sharedWaiters,
      exclusiveWaiters,
      recursed: k.macro('SX_LOCK_RECURSED'),
      destroyed: sharedWaiters | exclusiveWaiters,
      oneSharer: 1 << k.macro('SX_SHARERS_SHIFT'),
    };
    this.locks = new SharedLocks(k, 'sx', flags, k.struct('sx').offsetOf('sx_lock'), true);
  }

  readonly exports = {
    sx_init_flags: (sx: Ptr, name: Ptr, opts: number) => this.init(sx, name, opts),
    sx_sysinit: (args: Ptr) => {
      const type = this.k.struct('sx_args');
      this.init(type.get(args, 'sa_sx'), type.get(args, 'sa_desc'), type.get(args, 'sa_flags'));
    },
    sx_destroy: (sx: Ptr) => this.locks.destroy(sx),
    _sx_xlock: (sx: Ptr, opts: number, file: Ptr, line: number) => this.xlock(sx, opts, { file, line }),
    _sx_xlock_hard: (sx: Ptr) => this.xlock(sx),
    _sx_xunlock: (sx: Ptr) => this.locks.releaseExclusive(sx),
    _sx_xunlock_hard: (sx: Ptr) => this.locks.releaseExclusive(sx),
    _sx_slock: (sx: Ptr, opts: number, file: Ptr, line: number) => this.slock(sx, opts, { file, line }),
    _sx_slock_int: (sx: Ptr) => this.slock(sx),
    _sx_sunlock: (sx: Ptr) => this.locks.releaseShared(sx),
    _sx_sunlock_int: (sx: Ptr) => this.locks.releaseShared(sx),
    sx_try_slock_: (sx: Ptr) => Number(this.locks.tryShared(sx)),
    sx_try_slock_int: (sx: Ptr) => Number(this.locks.tryShared(sx)),
    sx_try_xlock_: (sx: Ptr) => Number(this.tryXlock(sx)),
    sx_try_xlock_int: (sx: Ptr) => Number(this.tryXlock(sx)),
    sx_try_upgrade_: (sx: Ptr) => Number(this.locks.tryUpgrade(sx)),
    sx_try_upgrade_int: (sx: Ptr) => Number(this.locks.tryUpgrade(sx)),
    sx_downgrade_: (sx: Ptr) => this.locks.downgrade(sx),
    sx_downgrade_int: (sx: Ptr) => this.locks.downgrade(sx),
  };

  readonly data = { lock_class_sx: () => {} };

  init(sx: Ptr, name: Ptr, opts: number): void {
    const { k } = this;
    this.locks.init(
      sx,
      'sx',
      name,
      lockFlags(k, 'SX', opts) | k.macro('LO_SLEEPABLE') | k.macro('LO_UPGRADABLE'),
    );
  }

  /** Where sleeping is prohibited, a lock that nobody has may be taken. */
  private announce(sx: Ptr): void {
    const { current } = this.k.executor;
    const isContested = this.locks.owners(sx).some((task) => task !== current);
    if (isContested) this.k.get(Locks).mightSleep('acquiring an sx lock');
    else this.k.get(Locks).mightBlock('acquiring an sx lock');
  }

  *xlock(sx: Ptr, opts = 0, place: Place = UNSAID): Sleepable<number> {
    this.announce(sx);
    yield* this.locks.exclusiveCalled(sx, place, (opts & this.k.macro('LOP_DUPOK')) !== 0);
    return 0;
  }

  *slock(sx: Ptr, opts = 0, place: Place = UNSAID): Sleepable<number> {
    this.announce(sx);
    yield* this.locks.sharedCalled(sx, place, (opts & this.k.macro('LOP_DUPOK')) !== 0);
    return 0;
  }

  private tryXlock(sx: Ptr): boolean {
    if (this.locks.tryExclusive(sx)) return true;
    const recursable = this.k.struct('lock_object').get(sx, 'lo_flags') & this.k.macro('LO_RECURSABLE');
    if (!this.locks.isMine(sx) || recursable === 0) return false;
    const object = this.k.struct('lock_object');
    object.set(sx, 'lo_data', object.get(sx, 'lo_data') + 1);
    return true;
  }
}
