import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { lockFlags } from './lock-flags.js';
import { Locks } from './locks.js';
import { Panic } from './panic.js';
import { Turnstiles } from './turnstile.js';
import { type Place, Witness } from './witness.js';

interface Rm {
  readonly sleepable: boolean;
  writer: Task | undefined;
  readers: Task[];
}

/** rmlock(9): locks that are mostly read (sys/kern/kern_rmlock.c). Nothing of them is inlined in modules, so who has one is kept here. */
export class RmLocks implements Subsystem {
  private readonly known = new Map<Ptr, Rm>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    rm_init: (rm: Ptr, name: Ptr) => this.init(rm, name, 0),
    rm_init_flags: (rm: Ptr, name: Ptr, opts: number) => this.init(rm, name, opts),
    rm_sysinit: (args: Ptr) => {
      const type = this.k.struct('rm_args');
      this.init(type.get(args, 'ra_rm'), type.get(args, 'ra_desc'), type.get(args, 'ra_flags'));
    },
    rm_destroy: (rm: Ptr) => this.destroy(rm),
    rm_wowned: (rm: Ptr) => Number(this.at(rm).writer === this.k.executor.current),
    _rm_wlock: (rm: Ptr) => this.wlock(rm),
    _rm_wlock_debug: (rm: Ptr, file: Ptr, line: number) => this.wlockCalled(rm, { file, line }),
    _rm_wunlock: (rm: Ptr) => this.wunlock(rm),
    _rm_wunlock_debug: (rm: Ptr) => this.wunlock(rm),
    _rm_rlock: (rm: Ptr, _tracker: Ptr, trylock: number) => this.rlock(rm, trylock !== 0),
    _rm_rlock_debug: (rm: Ptr, _tracker: Ptr, trylock: number, file: Ptr, line: number) =>
      this.rlockCalled(rm, trylock !== 0, { file, line }),
    _rm_runlock: (rm: Ptr) => this.runlock(rm),
    _rm_runlock_debug: (rm: Ptr) => this.runlock(rm),
  };

  readonly data = { lock_class_rm: () => {}, lock_class_rm_sleepable: () => {} };

  private init(rm: Ptr, name: Ptr, opts: number): void {
    const { k } = this;
    const sleepable = (opts & k.macro('RM_SLEEPABLE')) !== 0;
    const lock: Rm = { sleepable, writer: undefined, readers: [] };
    this.known.set(rm, lock);
    k.get(Locks).init(rm, {
      lockClass: sleepable ? 'sleepable rm' : 'rm',
      name,
      flags: lockFlags(k, 'RM', opts) | (sleepable ? k.macro('LO_SLEEPABLE') : 0),
      owners: () => (lock.writer ? [lock.writer] : lock.readers),
      isShared: () => lock.writer === undefined,
    });
  }

  private destroy(rm: Ptr): void {
    const { writer, readers } = this.at(rm);
    if (writer || readers.length > 0)
      this.k
        .get(Locks)
        .complain('lock-misuse', `rm_destroy of ${this.k.get(Locks).nameOf(rm)}, which is held`);
    this.known.delete(rm);
    this.k.get(Locks).destroy(rm);
  }

  private at(rm: Ptr): Rm {
    const lock = this.known.get(rm);
    if (lock && this.k.get(Locks).isKnown(rm)) return lock;
    throw new Panic(
      `0x${this.k.space.toAddress(rm).toString(16)} is no rmlock that was initialised`,
      'lock-misuse',
      rm,
    );
  }

  *wlock(rm: Ptr): Sleepable<void> {
    const lock = this.at(rm);
    while (lock.writer || lock.readers.length > 0) yield* this.block(rm, lock);
    lock.writer = this.k.executor.current;
  }

  private *wlockCalled(rm: Ptr, place: Place): Sleepable<void> {
    this.k.get(Witness).check({ lock: rm, place });
    yield* this.wlock(rm);
    this.k.get(Witness).locked(rm, place);
  }

  private *rlockCalled(rm: Ptr, trylock: boolean, place: Place): Sleepable<number> {
    if (!trylock) this.k.get(Witness).check({ lock: rm, place });
    const taken = yield* this.rlock(rm, trylock);
    if (taken !== 0) this.k.get(Witness).locked(rm, place);
    return taken;
  }

  private wunlock(rm: Ptr): void {
    this.k.get(Witness).unlocked(rm);
    this.at(rm).writer = undefined;
    this.k.get(Turnstiles).release(rm);
  }

  private *rlock(rm: Ptr, trylock: boolean): Sleepable<number> {
    const lock = this.at(rm);
    while (lock.writer) {
      if (trylock) return 0;
      yield* this.block(rm, lock);
    }
    const { current } = this.k.executor;
    if (current) lock.readers.push(current);
    return 1;
  }

  private runlock(rm: Ptr): void {
    this.k.get(Witness).unlocked(rm);
    const lock = this.at(rm);
    const at = lock.readers.lastIndexOf(this.k.executor.current as Task);
    if (at < 0)
      this.k
        .get(Locks)
        .complain(
          'lock-misuse',
          `rm_runlock of ${this.k.get(Locks).nameOf(rm)}, which the thread does not hold`,
        );
    else lock.readers.splice(at, 1);
    if (lock.readers.length === 0) this.k.get(Turnstiles).release(rm);
  }

  /** Gives it up for a sleep: 0 for its writer, 1 for a reader. */
  release(rm: Ptr): number {
    if (this.at(rm).writer === this.k.executor.current) {
      this.wunlock(rm);
      return 0;
    }
    this.runlock(rm);
    return 1;
  }

  private *block(rm: Ptr, lock: Rm): Sleepable<void> {
    yield* this.k.get(Turnstiles).block({
      lock: rm,
      kind: `rm ${this.k.get(Locks).nameOf(rm)}`,
      sleepable: lock.sleepable,
      owners: () => (lock.writer ? [lock.writer] : lock.readers),
    });
  }
}
