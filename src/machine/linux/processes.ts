import type { Sleepable, Value } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import type { FaultKind } from '../../linux/errors.js';
import type { LinuxKernel } from '../../linux/kernel.js';
import { type ProcessSystem, SIGKILL_STATUS, SIGSEGV_STATUS } from '../processes.js';

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

/** Linux's user processes. */
export class LinuxProcesses implements ProcessSystem {
  constructor(private readonly k: LinuxKernel) {}

  create(name: string, body: Sleepable<Value>): Task {
    return this.k.processes.create(name, this.returning(body));
  }

  onExit(listener: (task: Task) => void): void {
    this.k.processes.onExit(listener);
  }

  statusOfKilled(): number {
    const kind = this.k.traps.reports.at(-1)?.kind;
    return kind === undefined || KILLS.has(kind) ? SIGKILL_STATUS : SIGSEGV_STATUS;
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
}
