import type { Sleepable } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** What a thread has to do before it returns to its program (sys/kern/subr_trap.c: ast_sched(), userret()). */
export class Asts implements Subsystem {
  readonly exports = {};
  private readonly scheduled = new Map<Task, Set<() => Sleepable<void>>>();

  constructor(private readonly k: FreebsdKernel) {}

  boot(): void {
    this.k.processes.onExit((task) => this.scheduled.delete(task));
  }

  /** Has the running thread do something at the end of its system call, once. */
  schedule(work: () => Sleepable<void>): void {
    const { current } = this.k.executor;
    if (!current) return;
    const works = this.scheduled.get(current) ?? new Set();
    works.add(work);
    this.scheduled.set(current, works);
  }

  /** The end of a system call. */
  *userret(): Sleepable<void> {
    const { current } = this.k.executor;
    if (!current) return;
    const works = this.scheduled.get(current);
    this.scheduled.delete(current);
    for (const work of works ?? []) yield* work();
  }
}
