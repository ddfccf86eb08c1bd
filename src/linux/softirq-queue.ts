import type { Sleepable } from '../kernel/effects.js';
import type { LinuxKernel } from './kernel.js';
import type { Subsystem } from './subsystem.js';

/** Something that a softirq has to do. */
export interface SoftirqJob {
  readonly name: string;
  readonly body: () => Sleepable<unknown>;
}

/**
 * What softirqs have to do: timers, tasklets, RCU callbacks, polling of network devices. It runs on top of whichever task is current,
 * as soon as that may be interrupted; with PREEMPT_RT a thread does it (locking/bottom-halves.ts).
 */
export class SoftirqQueue implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: LinuxKernel) {}

  /** Whose it is to do the jobs, where they do not run on top of a task. */
  thread: ((job: SoftirqJob) => void) | undefined;

  /** Has a job done at the next opportunity. */
  raise(name: string, body: () => Sleepable<unknown>): void {
    if (this.thread) this.thread({ name, body });
    else this.k.scheduler.interrupt(name, body);
  }
}
