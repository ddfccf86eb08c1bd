import type { Sleepable } from '../../kernel/effects.js';
import type { LinuxKernel } from '../kernel.js';

/** What the parts of preempt_count count in (include/linux/preempt.h). */
export const PREEMPT_OFFSET = 1;
export const SOFTIRQ_OFFSET = 0x100;
export const SOFTIRQ_DISABLE_OFFSET = 0x200;
export const HARDIRQ_OFFSET = 0x1_0000;

/** Does something with more in preempt_count, whatever that leaves of it. */
export function* counting<T>({ processes }: LinuxKernel, more: number, call: Sleepable<T>): Sleepable<T> {
  processes.preemptCount += more;
  try {
    return yield* call;
  } finally {
    processes.preemptCount -= more;
  }
}
