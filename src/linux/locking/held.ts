import type { Ptr } from '../../cpu/layout.js';
import type { LockUse } from '../../kernel/probes.js';
import type { Task } from '../../kernel/task/task.js';
import { type Waiting, waitCircle } from '../../kernel/task/wait-circle.js';
import type { Holding } from '../holding.js';
import { symbolAt, symbolize } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/**
 * What a lock is, by the name of its struct. With PREEMPT_RT spinlock_t and rwlock_t are `rt_spinlock` and `rt_rwlock`, and a spinlock is a
 * raw one; softirqs are turned off by a local_lock. Read-side sections of RCU are one lock, at address 0.
 */
export type LockKind =
  | 'spinlock'
  | 'rwlock'
  | 'mutex'
  | 'rt_mutex'
  | 'rw_semaphore'
  | 'percpu_rw_semaphore'
  | 'semaphore'
  | 'rt_spinlock'
  | 'rt_rwlock'
  | 'local_lock'
  | 'rcu';

/** A lock that is held, by one of its holders. */
export interface HeldLock extends LockUse {
  readonly lockKind: LockKind;
  /** Undefined at boot, before there are tasks. */
  readonly task: Task | undefined;
  /** Who took it next, of readers that share it. */
  next: HeldLock | undefined;
}

export interface Taking {
  /** Together with other readers. */
  readonly shared: boolean;
  /** By a trylock. */
  readonly tried: boolean;
}

const ALONE: Taking = { shared: false, tried: false };
const TRIED: Taking = { shared: false, tried: true };
const SHARED: Taking = { shared: true, tried: false };
const TRIED_SHARED: Taking = { shared: true, tried: true };

/** How an exclusive lock is taken: `tried` is a trylock. */
export const alone = (tried: boolean): Taking => (tried ? TRIED : ALONE);
/** How a reader takes a lock. */
export const shared = (tried: boolean): Taking => (tried ? TRIED_SHARED : SHARED);

/** What every lock has in the least, in bytes. */
const LOCK_WORD = 4;

/** The address of the one lock that read-side sections of RCU are. */
export const RCU = 0;

/**
 * Who holds which locks. Whether a lock is held its own word in guest memory says, which modules read and write too; here is what it
 * does not say: since where, in which order, and by whom. The classes of locks tell of what they do; detection of deadlocks, reports and
 * probes read it.
 */
export class Held implements Subsystem {
  /** The first holder of each lock. */
  private readonly byLock = new Map<Ptr, HeldLock>();

  constructor(private readonly k: LinuxKernel) {}

  /** The running task has the lock from now on, and others only if they share it. */
  acquired(lockKind: LockKind, lock: Ptr, { shared, tried }: Taking = ALONE): void {
    const { executor, probes, traps } = this.k;
    traps.given(lock, LOCK_WORD, 'write');
    const task = executor.current;
    const caller = task ? task.caller : 0;
    probes.acquired?.({ lock, lockKind, shared, tried, caller });
    // A semaphore is nobody's: who counts it up need not be who counted it down.
    if (lockKind === 'semaphore') return;
    const held: HeldLock = { lock, lockKind, shared, tried, caller, task, next: undefined };
    const first = this.byLock.get(lock);
    if (first && shared && first.shared) lastOf(first).next = held;
    else {
      // Who held it before gave it back by means that nobody saw: its memory was freed, or set up anew.
      if (first) this.forget(lock);
      this.byLock.set(lock, held);
    }
    if (task) task.holds.push(held);
  }

  /** The lock is given back, by the running task if it holds it, or for another one. */
  released(lockKind: LockKind, lock: Ptr): void {
    const { executor, probes } = this.k;
    const first = this.byLock.get(lock);
    const held = first?.next ? this.ownOf(lock) : first;
    if (probes.released) {
      const { shared = false, tried = false } = held ?? {};
      probes.released({ lock, lockKind, shared, tried, caller: executor.current?.caller ?? 0 });
    }
    if (!first || (lockKind === 'rcu' && held?.task !== executor.current)) return;
    // Of several readers nobody knows which one another task stands in for.
    if (!first.next || !held) this.forget(lock);
    else this.take(held);
  }

  /** The latest of several holders of a lock that is the running task. */
  private ownOf(lock: Ptr): HeldLock | undefined {
    const { current } = this.k.executor;
    return this.holders(lock)
      .filter(({ task }) => task === current)
      .at(-1);
  }

  /** One holder is none any longer. */
  private take(held: HeldLock): void {
    leave(held);
    const others = this.holders(held.lock).filter((other) => other !== held);
    others.forEach((other, i) => {
      other.next = others[i + 1];
    });
    if (others.length > 0) this.byLock.set(held.lock, others[0]);
    else this.byLock.delete(held.lock);
  }

  /** The lock is as new, or nobody knows any longer who holds it. */
  forget(lock: Ptr): void {
    const first = this.byLock.get(lock);
    this.byLock.delete(lock);
    for (let held = first; held; held = held.next) leave(held);
  }

  /** Its writer goes on as a reader: downgrade_write(). */
  shares(lock: Ptr): void {
    const held = this.byLock.get(lock);
    if (!held) return;
    const reader: HeldLock = { ...held, shared: true };
    this.byLock.set(lock, reader);
    if (held.task) held.task.holds[held.task.holds.indexOf(held)] = reader;
  }

  /** Who holds a lock: one, or several readers, in the order in which they took it. */
  holders(lock: Ptr): readonly HeldLock[] {
    const holders: HeldLock[] = [];
    for (let held = this.byLock.get(lock); held; held = held.next) holders.push(held);
    return holders;
  }

  /** What a task holds, in the order in which it was taken. */
  of(task: Task): readonly HeldLock[] {
    return task.holds as readonly LockUse[] as readonly HeldLock[];
  }

  /** Tasks end without what they hold; of who was killed something worse was said. */
  boot(): void {
    this.k.processes.onExit((task) => {
      // Its read-side sections end with it: exit_rcu().
      for (const held of this.of(task).filter(({ lockKind }) => lockKind === 'rcu')) this.take(held);
      if (task.state !== 'finished') return;
      for (const held of this.of(task).filter(isSleeping)) this.reportEnded(task, held);
    });
  }

  /** Sleeping locks that somebody has who lives on: of a module if they are in its memory, or its code took them. */
  *holds(): Generator<Holding> {
    const serial = this.k.ledger.mark;
    for (const [at, held] of this.byLock)
      if (isSleeping(held) && !held.task?.ended) {
        const { lockKind, caller } = held;
        yield { kind: `held ${lockKind}`, at, by: { caller, serial }, name: () => '' };
      }
  }

  private reportEnded(task: Task, { lockKind, lock, caller }: HeldLock): void {
    const { k } = this;
    const by = caller === 0 ? 'the base kernel' : symbolize(k, caller);
    const what = `the ${lockKind} at ${symbolize(k, lock)}, which ${by} took`;
    k.traps.complain('lock-misuse', `modbox: ${task.name} ended and still holds ${what}`, lock, [], {
      place: by,
      module: symbolAt(k, caller)?.module,
    });
  }

  /**
   * The running task is about to wait for a lock: whether one who holds it waits, over any number of others, for one that the task
   * holds. That is reported.
   */
  checkCircle(lock: Ptr): void {
    const { k } = this;
    k.traps.given(lock, LOCK_WORD, 'read');
    const self = k.executor.current;
    const circle = self && waitCircle(self, lock, (wanted) => this.holders(wanted).map(({ task }) => task));
    if (circle)
      k.traps.deadlock(
        lock,
        circle.map((waiting) => this.waitText(waiting)),
      );
  }

  private waitText({ task, lock, holder }: Waiting): string {
    const kind = this.holders(lock).find((held) => held.task === holder)?.lockKind ?? 'lock';
    const what = `the ${kind} at ${symbolize(this.k, lock)}`;
    return `${this.comm(task)} waits for ${what}, which ${this.comm(holder)} holds`;
  }

  private comm({ object }: Task): string {
    return this.k.struct('task_struct').text(object, 'comm');
  }
}

/** Locks that others sleep for. */
const SLEEPING: ReadonlySet<LockKind> = new Set([
  'mutex',
  'rt_mutex',
  'rw_semaphore',
  'rt_spinlock',
  'rt_rwlock',
  'local_lock',
]);

/** Whether somebody else would wait for it without end: of other locks the count of preemption tells. */
const isSleeping = ({ lockKind }: HeldLock): boolean => SLEEPING.has(lockKind);

function lastOf(first: HeldLock): HeldLock {
  let last = first;
  while (last.next) last = last.next;
  return last;
}

/** The task no longer holds it. */
function leave(held: HeldLock): void {
  const { task } = held;
  if (!task) return;
  const { holds } = task;
  // Most locks are given back in the opposite order.
  if (holds[holds.length - 1] === held) {
    holds.pop();
    return;
  }
  const at = holds.lastIndexOf(held);
  if (at >= 0) holds.splice(at, 1);
}
