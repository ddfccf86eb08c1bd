import type { Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import { TASK_UNINTERRUPTIBLE } from '../abi/task-state.js';
import { ETIME } from '../errno.js';
import { Oops } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import { Waiters } from '../sched/waiters.js';
import type { Subsystem } from '../subsystem.js';
import { jiffiesToNs } from '../time/jiffies.js';
import { alone, Held, shared } from './held.js';
import { NO_SIGNAL } from './no-signal.js';
import { BiasedRw, CountedRw, type RwWord } from './rw-word.js';

/** Reader-writer semaphores. */
export class RwSemaphores implements Subsystem {
  private readonly waiters: Waiters;
  private readonly held: Held;
  /** What rwsem_is_locked and its kin look at. */
  private readonly word: RwWord;

  constructor(private readonly k: LinuxKernel) {
    this.waiters = new Waiters(k);
    this.held = k.get(Held);
    const type = k.struct('rw_semaphore');
    this.word = type.has('rwbase') ? new BiasedRw(k, type) : new CountedRw(k, type);
  }

  readonly exports = {
    __init_rwsem: (sem: Ptr) => this.init(sem),
    down_read: (sem: Ptr) => this.acquire(sem, false),
    down_read_interruptible: partly(NO_SIGNAL, (sem: Ptr) => this.acquire(sem, false)),
    down_read_killable: partly(NO_SIGNAL, (sem: Ptr) => this.acquire(sem, false)),
    down_read_trylock: (sem: Ptr) => (this.tryRead(sem, true) ? 1 : 0),
    down_write: (sem: Ptr) => this.acquire(sem, true),
    down_write_killable: partly(NO_SIGNAL, (sem: Ptr) => this.acquire(sem, true)),
    down_write_trylock: (sem: Ptr) => (this.tryWrite(sem, true) ? 1 : 0),
    up_read: (sem: Ptr) => this.upRead(sem),
    up_write: (sem: Ptr) => this.upWrite(sem),
    downgrade_write: (sem: Ptr) => {
      this.word.endWriter(sem, 1);
      this.held.shares(sem);
      this.waiters.wakeAll(sem);
    },
  };

  init(sem: Ptr): void {
    this.word.init(sem);
    this.held.forget(sem);
  }

  /** down_write() */
  *downWrite(sem: Ptr): Sleepable<void> {
    yield* this.k.wait(this.acquire(sem, true));
  }

  private acquire(sem: Ptr, write: boolean): number | Sleepable<number> {
    this.k.traps.mightSleep('kernel/locking/rwsem.c', write ? 1574 : 1526);
    if (write ? this.tryWrite(sem) : this.tryRead(sem)) return 0;
    if (this.word.hasWriter(sem) && this.word.writer(sem) === this.k.current)
      throw new Oops(
        'deadlock',
        'BUG: the task takes a rw_semaphore that it holds for writing: it would wait for itself for ever',
        sem,
      );
    return this.slow(sem, write);
  }

  private *slow(sem: Ptr, write: boolean): Sleepable<number> {
    this.held.checkCircle(sem);
    while (!(write ? this.tryWrite(sem) : this.tryRead(sem)))
      yield* this.waiters.wait(sem, TASK_UNINTERRUPTIBLE);
    return 0;
  }

  private tryRead(sem: Ptr, tried = false): boolean {
    if (this.word.hasWriter(sem)) return false;
    this.word.setReaders(sem, this.word.readers(sem) + 1);
    this.held.acquired('rw_semaphore', sem, shared(tried));
    return true;
  }

  private tryWrite(sem: Ptr, tried = false): boolean {
    if (this.word.hasWriter(sem) || this.word.readers(sem) > 0) return false;
    this.word.setWriter(sem, this.k.current);
    this.held.acquired('rw_semaphore', sem, alone(tried));
    return true;
  }

  private upRead(sem: Ptr): void {
    const readers = this.word.readers(sem);
    if (readers === 0) {
      this.k.traps.complain(
        'lock-misuse',
        'BUG: up_read of a rw_semaphore that is not held for reading',
        sem,
      );
      return;
    }
    this.word.setReaders(sem, readers - 1);
    this.held.released('rw_semaphore', sem);
    if (readers === 1) this.waiters.wakeAll(sem);
  }

  upWrite(sem: Ptr): void {
    if (!this.word.hasWriter(sem)) {
      this.k.traps.complain(
        'lock-misuse',
        'BUG: up_write of a rw_semaphore that is not held for writing',
        sem,
      );
      return;
    }
    this.word.endWriter(sem, 0);
    this.held.released('rw_semaphore', sem);
    this.waiters.wakeAll(sem);
  }
}

/** Counting semaphores (kernel/locking/semaphore.c). */
export class Semaphores implements Subsystem {
  private readonly waiters: Waiters;
  private readonly held: Held;

  constructor(private readonly k: LinuxKernel) {
    this.waiters = new Waiters(k);
    this.held = k.get(Held);
  }

  readonly exports = {
    down: (sem: Ptr) => this.down(sem),
    down_interruptible: partly(NO_SIGNAL, (sem: Ptr) => this.down(sem)),
    down_killable: partly(NO_SIGNAL, (sem: Ptr) => this.down(sem)),
    down_trylock: (sem: Ptr) => (this.tryDown(sem, true) ? 0 : 1),
    down_timeout: (sem: Ptr, jiffies: number) => this.downTimeout(sem, jiffies),
    up: (sem: Ptr) => this.up(sem),
  };

  private tryDown(sem: Ptr, tried = false): boolean {
    const type = this.k.struct('semaphore');
    const count = type.get(sem, 'count');
    if (count === 0) return false;
    type.set(sem, 'count', count - 1);
    this.held.acquired('semaphore', sem, alone(tried));
    return true;
  }

  private *down(sem: Ptr): Sleepable<number> {
    this.k.traps.mightSleep('kernel/locking/semaphore.c', 58);
    while (!this.tryDown(sem)) yield* this.waiters.wait(sem, TASK_UNINTERRUPTIBLE);
    return 0;
  }

  private *downTimeout(sem: Ptr, jiffies: number): Sleepable<number> {
    const deadline = this.k.now() + jiffiesToNs(this.k, jiffies);
    while (!this.tryDown(sem)) {
      const left = deadline - this.k.now();
      if (left <= 0) return -ETIME;
      yield* this.waiters.wait(sem, TASK_UNINTERRUPTIBLE, left);
    }
    return 0;
  }

  private up(sem: Ptr): void {
    const type = this.k.struct('semaphore');
    type.set(sem, 'count', type.get(sem, 'count') + 1);
    this.held.released('semaphore', sem);
    this.waiters.wakeOne(sem);
  }
}
