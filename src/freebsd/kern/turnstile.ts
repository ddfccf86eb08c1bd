import type { Ptr } from '../../cpu/layout.js';
import { block, type Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_CRIT } from '../../kernel/log.js';
import type { Task } from '../../kernel/task/task.js';
import { type Waiting, waitCircle } from '../../kernel/task/wait-circle.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Code } from './code.js';
import { Giant } from './giant.js';
import { Panic } from './panic.js';
import { SleepQueues } from './sleepqueue.js';

/** A lock that threads block on: how it is called, and who has it now. */
export interface Blocking {
  readonly lock: Ptr;
  readonly kind: string;
  /** Whether its owners may sleep while they have it (sx, lockmgr). */
  readonly sleepable: boolean;
  readonly owners: () => readonly (Task | undefined)[];
}

/** Threads that block on locks until their owners give them up (turnstile(9)), and what is wrong with how they do. */
export class Turnstiles implements Subsystem {
  readonly exports = {};
  private readonly waiting = new Map<Ptr, Task[]>();
  private readonly locks = new Map<Ptr, Blocking>();

  constructor(private readonly k: FreebsdKernel) {}

  boot(): void {
    this.k.processes.onExit((task) => {
      for (const [lock, tasks] of this.waiting) {
        const left = tasks.filter((other) => other !== task);
        if (left.length === 0) this.waiting.delete(lock);
        else this.waiting.set(lock, left);
      }
    });
  }

  /** The running thread blocks on a lock until it is given up: whoever comes first has it then. */
  *block(blocking: Blocking): Sleepable<void> {
    const { k } = this;
    const { lock } = blocking;
    const task = k.executor.current;
    if (!task) throw new Error('nobody runs who could block');
    if (!blocking.sleepable) this.demandAwake(blocking);
    this.locks.set(lock, blocking);
    const circle = waitCircle(task, lock, (wanted) => this.locks.get(wanted)?.owners() ?? []);
    if (circle) this.reportCircle(lock, circle);
    this.waiting.set(lock, [...(this.waiting.get(lock) ?? []), task]);
    // Who waits for a lock that its owner may sleep with gives up Giant meanwhile, as for any sleep.
    const giant = k.get(Giant);
    const depth = blocking.sleepable ? giant.drop() : 0;
    task.waitsFor = lock;
    yield* block();
    task.waitsFor = 0;
    yield* giant.pickUp(depth);
  }

  /** Lets all who block on a lock try again. */
  release(lock: Ptr): void {
    const tasks = this.waiting.get(lock) ?? [];
    this.waiting.delete(lock);
    this.locks.delete(lock);
    for (const task of tasks) this.k.scheduler.wake(task);
  }

  isContested(lock: Ptr): boolean {
    return this.waiting.has(lock);
  }

  /** The lock that a thread blocks on, in words. */
  waitOf(task: Task): string | undefined {
    const blocking = this.locks.get(task.waitsFor);
    return blocking && `the ${blocking.kind} at ${this.k.get(Code).symbolize(blocking.lock)}`;
  }

  /** propagate_priority(): whose owner sleeps, that nobody may block on. */
  private demandAwake({ owners }: Blocking): void {
    const { k } = this;
    const sleeps = k.get(SleepQueues);
    for (const owner of owners()) {
      if (!owner || !sleeps.isSleeping(owner)) continue;
      const pid = k.processes.processOf(owner).pid;
      const head = `Sleeping thread (tid ${k.processes.tid(owner.object)}, pid ${pid}) owns a non-sleepable lock`;
      k.log.line(head, LOGLEVEL_CRIT);
      k.log.line('KDB: stack backtrace of thread:', LOGLEVEL_CRIT);
      const frames = k.trap.reports.ofTask(owner, () => k.get(Code).backtrace(owner), []);
      for (const [i, { text }] of frames.entries()) k.log.line(`#${i} ${text}`, LOGLEVEL_CRIT);
      throw new Panic('sleeping thread', 'sleep-in-atomic');
    }
  }

  private reportCircle(lock: Ptr, circle: readonly Waiting[]): void {
    const { k } = this;
    const text = circle.map(({ task, lock: wanted, holder }) => {
      const what = `the ${this.locks.get(wanted)?.kind ?? 'lock'} at ${k.get(Code).symbolize(wanted)}`;
      return `${k.processes.nameOf(task)} waits for ${what}, which ${k.processes.nameOf(holder)} holds`;
    });
    k.trap.reports.add({
      kind: 'deadlock',
      message: `modbox: deadlock: ${text.join(', ')}`,
      address: k.space.toAddress(lock),
    });
  }
}
