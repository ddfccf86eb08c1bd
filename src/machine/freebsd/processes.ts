import type { FreebsdKernel } from '../../freebsd/kernel.js';
import type { Sleepable, Value } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import { type ProcessSystem, SIGKILL_STATUS } from '../processes.js';

/** FreeBSD's user processes. */
export class FreebsdProcesses implements ProcessSystem {
  constructor(private readonly k: FreebsdKernel) {}

  create(name: string, body: Sleepable<Value>): Task {
    return this.k.processes.create(name, body);
  }

  onExit(listener: (task: Task) => void): void {
    this.k.processes.onExit(listener);
  }

  /** A fault in the kernel is the machine's end there: of its processes nothing else is left to be said. */
  statusOfKilled(): number {
    return SIGKILL_STATUS;
  }
}
