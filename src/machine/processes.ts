import type { BaseKernel } from '../kernel/base-kernel.js';
import { block, type Sleepable, type Value } from '../kernel/effects.js';
import type { Task } from '../kernel/task/task.js';

/** Exit status of a process that a signal ended, as a shell gives it: 128 and the signal's number. */
export const SIGINT_STATUS = 130;
export const SIGKILL_STATUS = 137;
export const SIGSEGV_STATUS = 139;

/** What a system knows of its processes. */
export interface ProcessSystem {
  /** Makes a task of a process's body, which runs when the scheduler comes to it. */
  create(name: string, body: Sleepable<Value>): Task;
  /** Calls a listener with every task that ends from now on. */
  onExit(listener: (task: Task) => void): void;
  /** Exit status of a process that has been killed just now. */
  statusOfKilled(): number;
}

/** Starts processes and waits for their end. */
export class ProcessTable {
  private readonly waiting = new Map<Task, Task[]>();
  private readonly killed = new WeakMap<Task, number>();
  private readonly endings = new Map<Task, () => void>();

  constructor(
    private readonly k: BaseKernel,
    private readonly system: ProcessSystem,
  ) {
    system.onExit((task) => {
      if (task.state === 'killed') this.killed.set(task, this.statusOfKilled());
      for (const waiter of this.waiting.get(task) ?? []) k.scheduler.wake(waiter);
      this.waiting.delete(task);
      this.endings.get(task)?.();
      this.endings.delete(task);
    });
  }

  private statusOfKilled(): number {
    return this.k.interruption.reason === 'interrupted' ? SIGINT_STATUS : this.system.statusOfKilled();
  }

  /**
   * Starts a process; it runs when the scheduler comes to it. Its exit status is the body's result. `ended` is called when
   * it has ended, in whatever way.
   */
  spawn(name: string, body: Sleepable<Value>, ended?: () => void): Task {
    const task = this.system.create(name, body);
    if (ended) this.endings.set(task, ended);
    return task;
  }

  /** Lets the calling task sleep until another has ended: waitpid(2). */
  *wait(task: Task): Sleepable<number> {
    while (!task.ended) {
      const self = this.k.executor.current!;
      this.waiting.set(task, [...(this.waiting.get(task) ?? []), self]);
      yield* block();
    }
    return this.exitStatus(task);
  }

  /** The processes that others wait for and that wait for no other. */
  foreground(): Task[] {
    const waiters = new Set([...this.waiting.values()].flat());
    return [...this.waiting.keys()].filter((task) => !waiters.has(task));
  }

  /** Runs a process to its end within the calling task. */
  *run(name: string, body: Sleepable<Value>): Sleepable<number> {
    return yield* this.wait(this.spawn(name, body));
  }

  /** Of a process that has ended, 0 to 255; of one that has not, as if it had to be killed. */
  exitStatus(task: Task): number {
    if (task.state === 'finished') return Number(task.result ?? 0) & 0xff;
    return this.killed.get(task) ?? SIGKILL_STATUS;
  }
}

/** What a shell says of a process that a signal ended; '' of any other. */
export function deathMessage(status: number): string {
  if (status === SIGKILL_STATUS) return 'Killed\n';
  return status === SIGSEGV_STATUS ? 'Segmentation fault\n' : '';
}
