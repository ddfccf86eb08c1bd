import type { Ptr } from '../../cpu/layout.js';
import type { Task } from '../../kernel/task/task.js';

/** struct intr_handler, and what of it guest memory does not have. */
export interface Handler {
  /** struct intr_handler *: the cookie. */
  readonly at: Ptr;
  readonly event: IntrEvent;
  readonly filter: Ptr;
  readonly fn: Ptr;
  readonly arg: Ptr;
  readonly priority: number;
  /** It is to run under Giant. */
  readonly giant: boolean;
  needed: boolean;
  suspended: boolean;
}

/** struct intr_event: a line, or a software interrupt, and who wants to know of it. */
export interface IntrEvent {
  /** struct intr_event *. */
  readonly at: Ptr;
  readonly soft: boolean;
  readonly irq: number;
  readonly postFilter: Ptr;
  readonly handlers: Handler[];
  thread: Task | undefined;
  /** The thread is to go through the handlers (again). */
  needed: boolean;
  dead: boolean;
}

/** What interrupt handlers are registered with. */
export interface NewHandler {
  readonly name: string;
  readonly filter: Ptr;
  readonly handler: Ptr;
  readonly arg: Ptr;
  readonly priority: number;
  /** INTR_*. */
  readonly flags: number;
}
