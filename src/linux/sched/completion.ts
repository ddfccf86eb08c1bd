import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { UINT_MAX } from '../abi/limits.js';
import { list } from '../abi/list.js';
import { TASK_INTERRUPTIBLE, TASK_UNINTERRUPTIBLE } from '../abi/task-state.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { hz, jiffiesToNs } from '../time/jiffies.js';
import { Waiters } from './waiters.js';

/** Completions (Documentation/scheduler/completion.rst). */
export class Completions implements Subsystem {
  private readonly waiters: Waiters;

  constructor(private readonly k: LinuxKernel) {
    this.waiters = new Waiters(k);
  }

  readonly exports = {
    __init_swait_queue_head: (head: Ptr) => this.initQueue(head),
    complete: (completion: Ptr) => this.complete(completion),
    complete_all: (completion: Ptr) => {
      this.k.struct('completion').set(completion, 'done', UINT_MAX);
      this.waiters.wakeAll(completion);
    },
    wait_for_completion: (completion: Ptr) => this.wait(completion, TASK_UNINTERRUPTIBLE),
    wait_for_completion_io: (completion: Ptr) => this.wait(completion, TASK_UNINTERRUPTIBLE),
    wait_for_completion_interruptible: (completion: Ptr) => this.wait(completion, TASK_INTERRUPTIBLE),
    wait_for_completion_killable: (completion: Ptr) => this.wait(completion, TASK_UNINTERRUPTIBLE),
    wait_for_completion_state: (completion: Ptr) => this.wait(completion, TASK_UNINTERRUPTIBLE),
    wait_for_completion_timeout: (completion: Ptr, jiffies: number) => this.waitTimeout(completion, jiffies),
    wait_for_completion_io_timeout: (completion: Ptr, jiffies: number) =>
      this.waitTimeout(completion, jiffies),
    wait_for_completion_interruptible_timeout: (completion: Ptr, jiffies: number) =>
      this.waitTimeout(completion, jiffies),
    wait_for_completion_killable_timeout: (completion: Ptr, jiffies: number) =>
      this.waitTimeout(completion, jiffies),
    try_wait_for_completion: (completion: Ptr) => this.take(completion),
    completion_done: (completion: Ptr) => this.k.struct('completion').get(completion, 'done') !== 0,
  };

  /** init_completion() */
  init(completion: Ptr): void {
    this.k.struct('completion').set(completion, 'done', 0);
    this.initQueue(this.k.struct('completion').addr(completion, 'wait'));
  }

  complete(completion: Ptr): void {
    const type = this.k.struct('completion');
    const done = type.get(completion, 'done');
    if (done !== UINT_MAX) type.set(completion, 'done', done + 1);
    this.waiters.wakeOne(completion);
  }

  *wait(completion: Ptr, state: number): Sleepable<number> {
    this.k.traps.mightSleep('kernel/sched/completion.c', 101);
    while (!this.take(completion)) yield* this.waiters.wait(completion, state);
    return 0;
  }

  private *waitTimeout(completion: Ptr, jiffies: number): Sleepable<number> {
    this.k.traps.mightSleep('kernel/sched/completion.c', 101);
    const deadline = this.k.now() + jiffiesToNs(this.k, jiffies);
    while (!this.take(completion)) {
      const left = deadline - this.k.now();
      if (left <= 0) return 0;
      yield* this.waiters.wait(completion, TASK_UNINTERRUPTIBLE, left);
    }
    if (deadline === Number.POSITIVE_INFINITY) return jiffies;
    return Math.max(1, Math.ceil((deadline - this.k.now()) / (1e9 / hz(this.k))));
  }

  private take(completion: Ptr): boolean {
    const type = this.k.struct('completion');
    const done = type.get(completion, 'done');
    if (done === 0) return false;
    if (done !== UINT_MAX) type.set(completion, 'done', done - 1);
    return true;
  }

  initQueue(head: Ptr): void {
    const type = this.k.struct('swait_queue_head');
    this.k.space.writable(head, type.size).fill(0);
    list.init(this.k.space, type.addr(head, 'task_list'));
  }
}
