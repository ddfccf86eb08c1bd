import { block, type Sleepable, type Value } from '../kernel/effects.js';
import type { Task } from '../kernel/task/task.js';
import type { LinuxKernel } from '../linux/kernel.js';

/** Exit status of a process that a signal killed, as a shell gives it: 128 + SIGKILL. */
export const KILLED_STATUS = 137;

/** Starts user processes and waits for their end. */
export class ProcessTable {
  private readonly waiting = new Map<Task, Task[]>();

  constructor(private readonly k: LinuxKernel) {
    k.processes.onExit((task) => {
      for (const waiter of this.waiting.get(task) ?? []) k.scheduler.wake(waiter);
      this.waiting.delete(task);
    });
  }

  /** Starts a process; it runs when the scheduler comes to it. Its exit status is the body's result. */
  spawn(name: string, body: Sleepable<Value>): Task {
    return this.k.processes.create(name, body);
  }

  /** Lets the calling task sleep until another has ended: waitpid(2). */
  *wait(task: Task): Sleepable<number> {
    while (!task.ended) {
      const self = this.k.executor.current!;
      this.waiting.set(task, [...(this.waiting.get(task) ?? []), self]);
      yield* block();
    }
    return exitStatus(task);
  }

  /** Runs a process to its end within the calling task. */
  *run(name: string, body: Sleepable<Value>): Sleepable<number> {
    return yield* this.wait(this.spawn(name, body));
  }
}

/** 0 to 255, KILLED_STATUS where the kernel killed it. */
export function exitStatus(task: Task): number {
  return task.state === 'killed' ? KILLED_STATUS : Number(task.result ?? 0) & 0xff;
}
