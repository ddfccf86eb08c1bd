import type { AddressSpace } from '../cpu/address-space.js';
import type { Instrumentation } from '../cpu/instrumentation.js';
import type { Ptr } from '../cpu/layout.js';
import type { Value } from './effects.js';
import type { AllocationKind } from './mm/ledger.js';

/** A task, as events name it. */
export interface TaskName {
  readonly id: number;
  readonly name: string;
  /** Interrupt work, on top of the task that it interrupted. */
  readonly isInterrupt: boolean;
}

/** When and on whose behalf something happened. */
interface Circumstances {
  /** Virtual time, in nanoseconds since boot. */
  readonly time: number;
  /** Undefined where no task runs: at boot, and in the base kernel's idle loop. */
  readonly task: TaskName | undefined;
}

/** Whose code: functions of the base kernel, or machine code. */
export type Party = 'kernel' | 'guest';

/**
 * A function is called: of the base kernel by guest code, or of guest code by the base kernel. What guest code calls of guest code is
 * told of to who subscribes to the scope 'everywhere': then code is translated so that it tells. A jump into another function is no call.
 */
export interface Called extends Circumstances {
  readonly kind: 'called';
  readonly from: Party;
  readonly to: Party;
  readonly fn: Ptr;
  /** Name of a function of the base kernel; '' for guest code, whose symbols the system knows. */
  readonly name: string;
  /** Where it will return to; 0 for the base kernel. */
  readonly caller: Ptr;
  /** Where on the stack it was called: `Returned` of the call has the same, whichever function it is that returns. */
  readonly frame: Ptr;
  /** Its first arguments as 64-bit words. To be asked for while the event is told of, not later. */
  words(count: number): readonly bigint[];
}

/** A function returns. One that never does, because its task ended in it, is not told of. */
export interface Returned extends Circumstances {
  readonly kind: 'returned';
  readonly from: Party;
  readonly to: Party;
  /** An address in the function: its beginning where the base kernel called it or it is the base kernel's. */
  readonly at: Ptr;
  readonly name: string;
  readonly frame: Ptr;
  /** What a function of the base kernel gave; the result word of guest code. */
  readonly result: Value;
}

export interface Allocated extends Circumstances {
  readonly kind: 'allocated';
  readonly memory: AllocationKind;
  readonly ptr: Ptr;
  /** Bytes asked for. */
  readonly size: number;
  /** Guest code that asked for it, a return address; 0 for the base kernel. */
  readonly caller: Ptr;
}

/** Memory is given back, or goes on under another size: then `allocated` follows. */
export interface Freed extends Circumstances {
  readonly kind: 'freed';
  readonly memory: AllocationKind;
  readonly ptr: Ptr;
  readonly size: number;
  readonly caller: Ptr;
  /** Guest code that had asked for it. */
  readonly allocatedBy: Ptr;
}

/** What a lock is, and how it is taken. */
export interface LockUse {
  /** Address of the lock; 0 where there is only one of its kind. */
  readonly lock: Ptr;
  /** What the system calls such locks: `mutex`. */
  readonly lockKind: string;
  /** Held together with other readers. */
  readonly shared: boolean;
  /** Taken without waiting if it was to be had: trylock. */
  readonly tried: boolean;
  /** Guest code that takes it, or gives it back. */
  readonly caller: Ptr;
}

export interface Acquired extends Circumstances, LockUse {
  readonly kind: 'acquired';
}

export interface Released extends Circumstances, LockUse {
  readonly kind: 'released';
}

/** The CPU goes from one task to another; undefined: from none, at first. */
export interface Switched extends Circumstances {
  readonly kind: 'switched';
  readonly from: TaskName | undefined;
  readonly to: TaskName;
}

/** What a system's reports of faults have in common. */
export interface Fault {
  readonly kind: string;
  readonly message: string;
  /** The module that did it; '' if none. */
  readonly module: string;
}

export interface Faulted extends Circumstances {
  readonly kind: 'faulted';
  readonly fault: Fault;
}

/** A basic block of guest code was entered, for the first time since somebody subscribed to this. Code is translated so that it tells. */
export interface Covered extends Circumstances {
  readonly kind: 'covered';
  readonly at: Ptr;
}

export type ProbeEvent =
  | Called
  | Returned
  | Allocated
  | Freed
  | Acquired
  | Released
  | Switched
  | Faulted
  | Covered;
export type ProbeKind = ProbeEvent['kind'];
export type EventOf<K extends ProbeKind> = Extract<ProbeEvent, { readonly kind: K }>;

/** Calls across the boundary between guest code and base kernel, or also those of guest code among itself. */
export type Scope = 'boundary' | 'everywhere';

/** Tells of an event. Undefined while nobody listens: `probes.allocated?.({ ... })` makes no object then. */
type Teller<E extends ProbeEvent> = ((detail: Omit<E, 'kind' | keyof Circumstances>) => void) | undefined;

/** Calls among guest code have channels of their own. */
type Channel = ProbeKind | 'calledInside' | 'returnedInside';

interface Subscription {
  readonly listener: (event: never) => void;
}

/**
 * The one stream of what happens in a machine. Who does something tells of it; whoever wants to know subscribes. Listeners look on: they
 * may read memory and registers, which takes no virtual time, and must change nothing.
 */
export class Probes {
  called: Teller<Called>;
  returned: Teller<Returned>;
  calledInside: Teller<Called>;
  returnedInside: Teller<Returned>;
  allocated: Teller<Allocated>;
  freed: Teller<Freed>;
  acquired: Teller<Acquired>;
  released: Teller<Released>;
  switched: Teller<Switched>;
  faulted: Teller<Faulted>;
  covered: Teller<Covered>;
  /** Told what translated code has to tell, when that changes; set by who runs it. */
  instrument: (what: Instrumentation) => void = () => {};
  private readonly subscriptions = new Map<Channel, Set<Subscription>>();

  constructor(
    private readonly space: AddressSpace,
    /** Virtual time. Asking must not change it. */
    private readonly now: () => number,
    private readonly task: () => TaskName | undefined,
  ) {}

  /**
   * Calls `listener` with every event of these kinds from now on, until the function that this gives is called. What a listener throws
   * does not reach the machine: it is thrown again outside of it.
   */
  subscribe<K extends ProbeKind>(
    kinds: readonly K[],
    listener: (event: EventOf<K>) => void,
    scope: Scope = 'boundary',
  ): () => void {
    const subscription: Subscription = { listener };
    const channels = kinds.flatMap((kind) => channelsOf(kind, scope));
    for (const channel of channels) this.change(channel, (subscribed) => subscribed.add(subscription));
    return () => {
      for (const channel of channels) this.change(channel, (subscribed) => subscribed.delete(subscription));
    };
  }

  private change(channel: Channel, by: (subscribed: Set<Subscription>) => void): void {
    const before = this.instrumentation;
    const subscribed = this.subscriptions.get(channel) ?? new Set();
    this.subscriptions.set(channel, subscribed);
    by(subscribed);
    const kind = kindOf(channel);
    this[channel] = subscribed.size > 0 ? (detail: object) => this.tell(subscribed, kind, detail) : undefined;
    const { calls, blocks } = this.instrumentation;
    if (calls !== before.calls || blocks !== before.blocks) this.instrument({ calls, blocks });
  }

  private get instrumentation(): Instrumentation {
    const calls = this.calledInside !== undefined || this.returnedInside !== undefined;
    return { calls, blocks: this.covered !== undefined };
  }

  private tell(subscribed: ReadonlySet<Subscription>, kind: ProbeKind, detail: object): void {
    const { space } = this;
    const { accesses } = space;
    const task = this.task();
    const event = { kind, time: this.now(), task: task && nameOf(task), ...detail };
    for (const { listener } of [...subscribed])
      try {
        listener(event as never);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    space.accesses = accesses;
  }
}

/** A task's name at this moment: tasks change. */
export const nameOf = ({ id, name, isInterrupt }: TaskName): TaskName => ({ id, name, isInterrupt });

function channelsOf(kind: ProbeKind, scope: Scope): Channel[] {
  if (scope === 'boundary') return [kind];
  if (kind === 'called') return [kind, 'calledInside'];
  return kind === 'returned' ? [kind, 'returnedInside'] : [kind];
}

function kindOf(channel: Channel): ProbeKind {
  if (channel === 'calledInside') return 'called';
  return channel === 'returnedInside' ? 'returned' : channel;
}
