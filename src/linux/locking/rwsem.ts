import type { Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import { list } from '../abi/list.js';
import { TASK_UNINTERRUPTIBLE } from '../abi/task-state.js';
import { ETIME } from '../errno.js';
import { Oops } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import { Waiters } from '../sched/waiters.js';
import type { Subsystem } from '../subsystem.js';
import { jiffiesToNs } from '../time/jiffies.js';
import { alone, Held, shared } from './held.js';
import { NO_SIGNAL } from './no-signal.js';

/** rw_semaphore.count: the writer's bit and what one reader adds (kernel/locking/rwsem.c). */
const WRITER_LOCKED = 1;
const READER_BIAS = 0x100;

/** Reader-writer semaphores: `count` is what rwsem_is_locked and its kin look at. */
export class RwSemaphores implements Subsystem {
  private readonly waiters: Waiters;
  private readonly held: Held;

  constructor(private readonly k: LinuxKernel) {
    this.waiters = new Waiters(k);
    this.held = k.get(Held);
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
      this.setCount(sem, READER_BIAS);
      this.held.shares(sem);
      this.waiters.wakeAll(sem);
    },
  };

  init(sem: Ptr): void {
    const type = this.k.struct('rw_semaphore');
    this.k.space.writable(sem, type.size).fill(0);
    list.init(this.k.space, type.addr(sem, 'wait_list'));
    this.held.forget(sem);
  }

  private acquire(sem: Ptr, write: boolean): number | Sleepable<number> {
    this.k.traps.mightSleep('kernel/locking/rwsem.c', write ? 1574 : 1526);
    if (write ? this.tryWrite(sem) : this.tryRead(sem)) return 0;
    if (this.count(sem) & WRITER_LOCKED && this.k.struct('rw_semaphore').get(sem, 'owner.counter') !== 0) {
      const owner = this.k.space.fromAddress(
        this.k.struct('rw_semaphore').getBig(sem, 'owner.counter') & ~7n,
      );
      if (owner === this.k.current)
        throw new Oops(
          'deadlock',
          'BUG: the task takes a rw_semaphore that it holds for writing: it would wait for itself for ever',
          sem,
        );
    }
    return this.slow(sem, write);
  }

  private *slow(sem: Ptr, write: boolean): Sleepable<number> {
    this.held.checkCircle(sem);
    while (!(write ? this.tryWrite(sem) : this.tryRead(sem)))
      yield* this.waiters.wait(sem, TASK_UNINTERRUPTIBLE);
    return 0;
  }

  private tryRead(sem: Ptr, tried = false): boolean {
    const count = this.count(sem);
    if (count & WRITER_LOCKED) return false;
    this.setCount(sem, count + READER_BIAS);
    this.held.acquired('rw_semaphore', sem, shared(tried));
    return true;
  }

  private tryWrite(sem: Ptr, tried = false): boolean {
    if (this.count(sem) !== 0) return false;
    this.setCount(sem, WRITER_LOCKED);
    this.k.struct('rw_semaphore').setBig(sem, 'owner.counter', this.k.space.toAddress(this.k.current));
    this.held.acquired('rw_semaphore', sem, alone(tried));
    return true;
  }

  private upRead(sem: Ptr): void {
    const count = this.count(sem);
    if (count < READER_BIAS) {
      this.k.traps.complain(
        'lock-misuse',
        'BUG: up_read of a rw_semaphore that is not held for reading',
        sem,
      );
      return;
    }
    this.setCount(sem, count - READER_BIAS);
    this.held.released('rw_semaphore', sem);
    if (count === READER_BIAS) this.waiters.wakeAll(sem);
  }

  upWrite(sem: Ptr): void {
    if ((this.count(sem) & WRITER_LOCKED) === 0) {
      this.k.traps.complain(
        'lock-misuse',
        'BUG: up_write of a rw_semaphore that is not held for writing',
        sem,
      );
      return;
    }
    this.k.struct('rw_semaphore').setBig(sem, 'owner.counter', 0n);
    this.setCount(sem, 0);
    this.held.released('rw_semaphore', sem);
    this.waiters.wakeAll(sem);
  }

  private count(sem: Ptr): number {
    return this.k.struct('rw_semaphore').get(sem, 'count.counter');
  }

  private setCount(sem: Ptr, count: number): void {
    this.k.struct('rw_semaphore').set(sem, 'count.counter', count);
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
