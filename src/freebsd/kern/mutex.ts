import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Code } from './code.js';
import { Critical } from './critical.js';
import { Giant } from './giant.js';
import { lockFlags } from './lock-flags.js';
import { LockWord } from './lock-word.js';
import { Locks } from './locks.js';
import { Panic } from './panic.js';
import { Turnstiles } from './turnstile.js';
import { type Place, Witness } from './witness.js';

/**
 * mutex(9) (sys/kern/kern_mutex.c). Modules take and release a free mutex by themselves: an exchange of mtx_lock with curthread. What is
 * called is the rest: setting up, waiting, recursion, and releasing what others wait for. Functions take the address of mtx_lock.
 */
export class Mutexes implements Subsystem {
  private readonly lockOffset: number;

  constructor(private readonly k: FreebsdKernel) {
    this.lockOffset = k.struct('mtx').offsetOf('mtx_lock');
    k.get(Giant).operations = this;
  }

  readonly exports = {
    _mtx_init: (word: Ptr, name: Ptr, type: Ptr, opts: number) => this.init(this.of(word), name, opts, type),
    _mtx_destroy: (word: Ptr) => this.destroy(this.of(word)),
    mtx_sysinit: (args: Ptr) => {
      const type = this.k.struct('mtx_args');
      this.init(type.get(args, 'ma_mtx'), type.get(args, 'ma_desc'), type.get(args, 'ma_opts'));
    },
    __mtx_lock_sleep: (word: Ptr) => this.lockHard(this.of(word)),
    __mtx_unlock_sleep: (word: Ptr) => this.unlockHard(this.of(word)),
    __mtx_lock_flags: (word: Ptr, opts: number, file: Ptr, line: number) =>
      this.lockCalled(this.of(word), opts, { file, line }),
    __mtx_unlock_flags: (word: Ptr) => {
      this.k.get(Witness).unlocked(this.of(word));
      this.unlock(this.of(word));
    },
    _mtx_trylock_flags_: (word: Ptr, _opts: number, file: Ptr, line: number) => {
      const taken = this.tryLock(this.of(word));
      if (taken) this.k.get(Witness).locked(this.of(word), { file, line });
      return Number(taken);
    },
    _mtx_trylock_flags_int: (mtx: Ptr) => Number(this.tryLock(mtx)),
    _mtx_lock_spin_cookie: (word: Ptr) => this.spinHard(this.of(word)),
    __mtx_lock_spin_flags: (word: Ptr, opts: number, file: Ptr, line: number) =>
      this.lockSpinCalled(this.of(word), opts, { file, line }),
    __mtx_unlock_spin_flags: (word: Ptr) => {
      this.k.get(Witness).unlocked(this.of(word));
      this.unlockSpin(this.of(word));
    },
    __mtx_trylock_spin_flags: (word: Ptr) => Number(this.tryLockSpin(this.of(word))),
    __mtx_assert: (word: Ptr, what: number, file: Ptr, line: number) =>
      this.assert(this.of(word), what, file, line),
    mtx_wait_unlocked: (mtx: Ptr) => this.waitUnlocked(mtx),
    mtx_pool_find: (pool: Ptr, of: Ptr) => this.pooled(pool, of),
    mtx_pool_alloc: (pool: Ptr) => this.pooled(pool, 0),
  };

  readonly data = {
    Giant: (at: Ptr) =>
      this.init(at, this.k.constantString('Giant'), this.k.macro('MTX_DEF') | this.k.macro('MTX_RECURSE')),
    mtxpool_sleep: (at: Ptr) => this.k.space.storePtr(at, at),
    lock_class_mtx_sleep: () => {},
    lock_class_mtx_spin: () => {},
  };

  private of(word: Ptr): Ptr {
    return word - this.lockOffset;
  }

  private word(mtx: Ptr): LockWord {
    return new LockWord(this.k, mtx + this.lockOffset);
  }

  init(mtx: Ptr, name: Ptr, opts: number, type: Ptr = 0): void {
    const { k } = this;
    const spin = (opts & k.macro('MTX_SPIN')) !== 0;
    const word = this.word(mtx);
    k.get(Locks).init(mtx, {
      lockClass: spin ? 'spin mutex' : 'sleep mutex',
      name,
      type,
      flags: lockFlags(k, 'MTX', opts),
      owners: () => tasks(word.task),
    });
    word.value = BigInt(k.macro('MTX_UNOWNED'));
  }

  destroy(mtx: Ptr): void {
    const word = this.word(mtx);
    if (word.task && !word.isMine) this.misuse(mtx, 'mtx_destroy of a mutex that another thread holds');
    else if (this.k.get(Turnstiles).isContested(mtx))
      this.misuse(mtx, 'mtx_destroy of a mutex that others wait for');
    word.value = BigInt(this.k.macro('MTX_DESTROYED'));
    this.k.get(Locks).destroy(mtx);
  }

  *lock(mtx: Ptr, place?: Place): Sleepable<void> {
    if (!this.take(mtx)) yield* this.lockHard(mtx, place);
  }

  /** What modules call that are built with their locks as functions. */
  private *lockCalled(mtx: Ptr, opts: number, place: Place): Sleepable<void> {
    const { k } = this;
    this.demandInitialised(mtx, 'mtx_lock()', place);
    k.get(Witness).check({ lock: mtx, place, duplicatesOk: (opts & k.macro('MTX_DUPOK')) !== 0 });
    yield* this.lock(mtx, place);
    k.get(Witness).locked(mtx, place);
  }

  private lockSpinCalled(mtx: Ptr, opts: number, place: Place): void {
    const { k } = this;
    this.demandInitialised(mtx, 'mtx_lock_spin()', place);
    k.get(Witness).check({ lock: mtx, place, duplicatesOk: (opts & k.macro('MTX_DUPOK')) !== 0 });
    this.lockSpin(mtx, place);
    k.get(Witness).locked(mtx, place);
  }

  /** A mutex of a module's own variables that nobody has initialised: its class is none. */
  private demandInitialised(mtx: Ptr, what: string, place: Place): void {
    const { k } = this;
    const flags = k.struct('lock_object').get(mtx, 'lo_flags');
    if (flags !== 0 || k.get(Locks).isKnown(mtx) || k.get(Code).symbolAt(mtx)?.file === undefined) return;
    this.misuse(mtx, `${what} of a mutex that was never initialized:`, place);
  }

  /** Takes a free mutex. */
  private take(mtx: Ptr): boolean {
    const word = this.word(mtx);
    if (word.value !== BigInt(this.k.macro('MTX_UNOWNED'))) return false;
    word.own();
    return true;
  }

  /** What cannot be had at once: it is the thread's own, or another's. */
  private *lockHard(mtx: Ptr, place?: Place): Sleepable<void> {
    const { k } = this;
    const word = this.word(mtx);
    if (word.has(k.macro('MTX_DESTROYED')))
      throw new Panic(`mtx_lock() of destroyed mutex ${this.describe(mtx)}`, 'lock-misuse', mtx);
    if (word.isMine) {
      this.recurse(mtx, '_mtx_lock_sleep', place);
      return;
    }
    while (!this.take(mtx)) {
      if (word.owner !== 0 && !word.task)
        throw new Panic(
          `mtx_lock() of a mutex that no thread has: ${this.describe(mtx)}`,
          'lock-misuse',
          mtx,
        );
      word.set(k.macro('MTX_CONTESTED'));
      yield* k.get(Turnstiles).block({
        lock: mtx,
        kind: `mutex ${k.get(Locks).nameOf(mtx)}`,
        sleepable: false,
        owners: () => tasks(word.task),
      });
    }
    if (k.get(Turnstiles).isContested(mtx)) word.set(k.macro('MTX_CONTESTED'));
  }

  private recurse(mtx: Ptr, by: string, place?: Place): void {
    const { k } = this;
    const object = k.struct('lock_object');
    if ((object.get(mtx, 'lo_flags') & k.macro('LO_RECURSABLE')) === 0)
      this.misuse(mtx, `${by}: recursed on non-recursive mutex`, place);
    object.set(mtx, 'lo_data', object.get(mtx, 'lo_data') + 1);
    this.word(mtx).set(k.macro('MTX_RECURSED'));
  }

  unlock(mtx: Ptr): void {
    const word = this.word(mtx);
    if (word.value === this.k.space.toAddress(this.k.curthread))
      word.value = BigInt(this.k.macro('MTX_UNOWNED'));
    else this.unlockHard(mtx);
  }

  private unlockHard(mtx: Ptr): void {
    const { k } = this;
    const word = this.word(mtx);
    if (!word.isMine) {
      this.misuse(mtx, 'mtx_unlock: mutex not owned by the thread:');
      if (word.owner === 0) return;
    }
    const object = k.struct('lock_object');
    const depth = object.get(mtx, 'lo_data');
    if (word.has(k.macro('MTX_RECURSED')) && depth > 0) {
      object.set(mtx, 'lo_data', depth - 1);
      if (depth === 1) word.clear(k.macro('MTX_RECURSED'));
      return;
    }
    word.value = BigInt(k.macro('MTX_UNOWNED'));
    k.get(Turnstiles).release(mtx);
  }

  private tryLock(mtx: Ptr): boolean {
    if (this.take(mtx)) return true;
    const recursable = this.k.struct('lock_object').get(mtx, 'lo_flags') & this.k.macro('LO_RECURSABLE');
    if (!this.word(mtx).isMine || recursable === 0) return false;
    this.recurse(mtx, '_mtx_trylock');
    return true;
  }

  lockSpin(mtx: Ptr, place?: Place): void {
    this.k.get(Critical).spinEnter();
    if (!this.take(mtx)) this.spinHard(mtx, place);
  }

  /** A spin mutex that is taken on the one processor there is stays so for ever. */
  private spinHard(mtx: Ptr, place?: Place): void {
    if (!this.word(mtx).isMine)
      throw new Panic(`spin lock held too long: ${this.describe(mtx)}`, 'deadlock', mtx);
    this.recurse(mtx, 'mtx_lock_spin', place);
  }

  unlockSpin(mtx: Ptr): void {
    const word = this.word(mtx);
    const object = this.k.struct('lock_object');
    const depth = object.get(mtx, 'lo_data');
    if (depth > 0) object.set(mtx, 'lo_data', depth - 1);
    else word.value = BigInt(this.k.macro('MTX_UNOWNED'));
    this.k.get(Critical).spinExit();
  }

  private tryLockSpin(mtx: Ptr): boolean {
    this.k.get(Critical).spinEnter();
    if (this.take(mtx)) return true;
    this.k.get(Critical).spinExit();
    return false;
  }

  /** mtx_owned(). */
  isMine(mtx: Ptr): boolean {
    return this.word(mtx).isMine;
  }

  private *waitUnlocked(mtx: Ptr): Sleepable<void> {
    yield* this.lock(mtx);
    this.unlock(mtx);
  }

  /** mtx_assert() of kernels with INVARIANTS: modules that are built so call it. */
  private assert(mtx: Ptr, what: number, file: Ptr, line: number): void {
    const owned = (what & this.k.macro('MA_OWNED')) !== 0;
    if (this.isMine(mtx) === owned) return;
    const text = owned ? 'not owned' : 'owned';
    const { space } = this.k;
    throw new Panic(
      `mutex ${this.k.get(Locks).nameOf(mtx)} ${text} at ${space.cstring(file)}:${line}`,
      'lock-misuse',
      mtx,
    );
  }

  private misuse(mtx: Ptr, what: string, place?: Place): void {
    const where = place === undefined || place.file === 0 ? '' : ` @ ${this.k.get(Witness).text(place)}`;
    this.k.get(Locks).complain('lock-misuse', `${what} ${this.describe(mtx)}${where}`);
  }

  private describe(mtx: Ptr): string {
    return `${this.k.get(Locks).nameOf(mtx)} at 0x${this.k.space.toAddress(mtx).toString(16)}`;
  }

  /** One mutex of a pool for an address: made when it is first asked for. */
  private pooled(pool: Ptr, of: Ptr): Ptr {
    const index = (Math.floor(of / 256) ^ of) & (POOL_SIZE - 1);
    const key = `${pool} ${index}`;
    let mtx = this.pools.get(key);
    if (mtx === undefined) {
      mtx = this.k.permanent(this.k.sizeOf('mtx'));
      this.init(
        mtx,
        this.k.constantString('pool mutex'),
        this.k.macro('MTX_DEF') | this.k.macro('MTX_RECURSE'),
      );
      this.pools.set(key, mtx);
    }
    return mtx;
  }

  private readonly pools = new Map<string, Ptr>();
}

/** Mutexes of a pool (MTX_POOL_SLEEP_SIZE of sys/kern/kern_mtxpool.c is 1024). */
const POOL_SIZE = 1024;

function tasks(task: Task | undefined): readonly Task[] {
  return task ? [task] : [];
}
