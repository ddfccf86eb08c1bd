import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable, Value } from '../effects.js';
import type { LockUse } from '../probes.js';

/** One level of a task's call stack, innermost last. */
export type Activation =
  /** A function of the base kernel that is suspended, or about to run. */
  | {
      readonly kind: 'host';
      readonly body: Sleepable<unknown>;
      /** Puts the result where the caller expects it; undefined for a task's outermost function. */
      readonly finish: ((value: Value) => void) | undefined;
      /** Where guest code calls it; 0 for the outermost. */
      readonly fn: Ptr;
      /** Name of the export, for traces. */
      readonly name: string;
      /** Guest return address of the call into it: Task.caller while it runs. 0 for the outermost, which keeps who asked last. */
      readonly caller: Ptr;
      /** Guest code that goes on when it returns; 0 for the outermost. */
      readonly returnsTo: Ptr;
    }
  /** Guest code that a base kernel function called. */
  | {
      readonly kind: 'guest';
      /** For Convention.leave. */
      readonly frame: bigint;
      /** Task.entry as it was before. */
      readonly entry: Ptr;
    };

export type TaskState = 'runnable' | 'blocked' | 'finished' | 'killed';

/**
 * A thread of the base kernel: a stack in guest memory, a register context, and the activations that wait on
 * each other. It is rooted in a base kernel function, which calls guest code by yielding effects.
 */
export class Task {
  readonly activations: Activation[] = [];
  state: TaskState = 'runnable';
  /** Saved registers while the task is not running. */
  context: ArrayBufferLike | undefined;
  /** Result of the outermost function once finished. */
  result: unknown;
  /** Virtual time at which it last gave up the CPU: what the soft-lockup watchdog looks at. */
  lastScheduled = 0;
  /** A tick came while it ran: it gives way to others where it says that it may. */
  needsResched = false;
  /** A function of the base kernel that serves it says that it may give way when it is done: might_resched(). */
  mayResched = false;
  /**
   * Guest return address of the innermost call into the base kernel: who asked. The start of the guest function
   * where that ended in a jump to the base kernel.
   */
  caller: Ptr = 0;
  /** Guest function that the base kernel called and that has not returned. */
  entry: Ptr = 0;
  /** What it sleeps for: a lock, a completion, a wait queue; 0 if that is not known. */
  waitsFor: Ptr = 0;
  /** Locks that it holds, in the order in which it took them; whoever keeps locks keeps it. */
  readonly holds: LockUse[] = [];
  /** preempt_count while switched out. */
  preemptCount = 0;
  /** The system's own structure for the task. */
  object: Ptr = 0;

  constructor(
    readonly id: number,
    public name: string,
    readonly stackBase: Ptr,
    readonly stackSize: number,
    /** Runs interrupt work on top of whichever task is current; must not block. */
    readonly isInterrupt: boolean,
    root: Sleepable<unknown>,
  ) {
    this.activations.push({
      kind: 'host',
      body: root,
      finish: undefined,
      fn: 0,
      name,
      caller: 0,
      returnsTo: 0,
    });
  }

  get ended(): boolean {
    return this.state === 'finished' || this.state === 'killed';
  }
}
