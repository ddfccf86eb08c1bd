import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import { Mutexes } from '../../locking/mutex.js';
import type { Subsystem } from '../../subsystem.js';

/** Something to do once the RTNL is released: netdev_run_todo()'s list. */
type RtnlTodo = () => Sleepable<void>;

/** The RTNL: the mutex under which network devices are configured (net/core/rtnetlink.c). */
export class Rtnl implements Subsystem {
  private readonly todo: RtnlTodo[] = [];
  readonly keeps = ['rtnl_mutex'];

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    rtnl_lock: () => this.lock(),
    rtnl_lock_killable: () => this.k.get(Mutexes).lock(this.mutex),
    rtnl_trylock: () => (this.k.get(Mutexes).trylock(this.mutex) ? 1 : 0),
    rtnl_unlock: () => this.unlock(),
    __rtnl_unlock: () => this.unlock(),
    rtnl_is_locked: () => (this.locked ? 1 : 0),
    refcount_dec_and_rtnl_lock: (counter: Ptr) => this.decrementAndLock(counter),
  };

  boot(): void {
    this.k.get(Mutexes).init(this.mutex);
  }

  get locked(): boolean {
    return this.k.get(Mutexes).owner(this.mutex) !== 0;
  }

  *lock(): Sleepable<void> {
    yield* this.k.get(Mutexes).lock(this.mutex);
  }

  /** Releases the RTNL, then finishes devices that were unregistered under it. */
  *unlock(): Sleepable<void> {
    const todo = this.todo.splice(0);
    this.k.get(Mutexes).unlock(this.mutex);
    for (const finish of todo) yield* finish();
  }

  /** Runs a function under the RTNL. */
  *with<T>(body: () => T | Sleepable<T>): Sleepable<T> {
    yield* this.lock();
    try {
      return yield* this.k.wait(body());
    } finally {
      yield* this.unlock();
    }
  }

  /** To be done when the RTNL is released next. */
  later(finish: RtnlTodo): void {
    this.todo.push(finish);
  }

  private get mutex(): Ptr {
    return this.k.symbol('rtnl_mutex');
  }

  private *decrementAndLock(counter: Ptr): Sleepable<boolean> {
    const { space } = this.k;
    if (space.loadInt32(counter) > 1) {
      space.store32(counter, space.loadInt32(counter) - 1);
      return false;
    }
    yield* this.lock();
    const left = space.loadInt32(counter) - 1;
    space.store32(counter, left);
    if (left === 0) return true;
    yield* this.unlock();
    return false;
  }
}
