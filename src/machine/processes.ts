import { block, type Sleepable, type Value } from '../kernel/effects.js';
import type { Task } from '../kernel/task/task.js';
import type { FaultKind } from '../linux/errors.js';
import type { LinuxKernel } from '../linux/kernel.js';

/** Exit status of a process that a signal ended, as a shell gives it: 128 and the signal's number. */
export const SIGINT_STATUS = 130;
export const SIGKILL_STATUS = 137;
const SIGSEGV_STATUS = 139;

/** Faults that end a process with SIGKILL: page faults, and what only modbox has. BUG() and the rest: SIGSEGV. */
const KILLS: ReadonlySet<FaultKind> = new Set([
  'null-dereference',
  'page-fault',
  'execute-fault',
  'write-protected',
  'stack-overflow',
  'unimplemented-export',
  'internal',
  'soft-lockup',
  'out-of-memory',
  'endless',
  'timeout',
  'deadlock',
  'panic',
  'stack-corruption',
]);

/** Starts user processes and waits for their end. */
export class ProcessTable {
  private readonly waiting = new Map<Task, Task[]>();
  private readonly killed = new WeakMap<Task, number>();
  private readonly endings = new Map<Task, () => void>();

  constructor(private readonly k: LinuxKernel) {
    k.processes.onExit((task) => {
      if (task.state === 'killed' && k.interruption.reason === 'interrupted') {
        this.killed.set(task, SIGINT_STATUS);
      } else if (task.state === 'killed') {
        const kind = k.traps.reports.at(-1)?.kind;
        this.killed.set(task, kind === undefined || KILLS.has(kind) ? SIGKILL_STATUS : SIGSEGV_STATUS);
      }
      for (const waiter of this.waiting.get(task) ?? []) k.scheduler.wake(waiter);
      this.waiting.delete(task);
      this.endings.get(task)?.();
      this.endings.delete(task);
    });
  }

  /**
   * Starts a process; it runs when the scheduler comes to it. Its exit status is the body's result. `ended` is called when
   * it has ended, in whatever way.
   */
  spawn(name: string, body: Sleepable<Value>, ended?: () => void): Task {
    const task = this.k.processes.create(name, this.returning(body));
    if (ended) this.endings.set(task, ended);
    return task;
  }

  /** The way back to user space, where the kernel notices that a system call left preemption off. */
  private *returning(body: Sleepable<Value>): Sleepable<Value> {
    const { k } = this;
    const result = yield* body;
    if (k.processes.preemptCount !== 0) {
      k.traps.scheduling();
      k.processes.preemptCount = 0;
    }
    return result;
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
