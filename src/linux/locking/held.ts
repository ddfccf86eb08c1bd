import type { Ptr } from '../../cpu/layout.js';
import type { LockUse } from '../../kernel/probes.js';
import type { Task } from '../../kernel/task/task.js';
import type { Holding } from '../holding.js';
import { symbolAt, symbolize } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** What a lock is, by the name of its struct. Read-side sections of RCU are one lock, at address 0. */
export type LockKind =
  | 'spinlock'
  | 'rwlock'
  | 'mutex'
  | 'rt_mutex'
  | 'rw_semaphore'
  | 'percpu_rw_semaphore'
  | 'semaphore'
  | 'rcu';

/** A lock that is held, by one of its holders. */
export interface HeldLock extends LockUse {
  readonly lockKind: LockKind;
  /** Undefined at boot, before there are tasks. */
  readonly task: Task | undefined;
  /** `current` when it was taken: of interrupt work, the task that it interrupted. */
  readonly current: Ptr;
}

export interface Taking {
  /** Together with other readers. */
  readonly shared?: boolean;
  /** By a trylock. */
  readonly tried?: boolean;
}

/** The address of the one lock that read-side sections of RCU are. */
export const RCU = 0;

/**
 * Who holds which locks. Whether a lock is held its own word in guest memory says, which modules read and write too; here is what it
 * does not say: since where, in which order, and by whom. The classes of locks tell of what they do; detection of deadlocks, reports and
 * probes read it.
 */
export class Held implements Subsystem {
  private readonly byLock = new Map<Ptr, HeldLock[]>();

  constructor(private readonly k: LinuxKernel) {}

  /** The running task has the lock from now on, and others only if they share it. */
  acquired(lockKind: LockKind, lock: Ptr, { shared = false, tried = false }: Taking = {}): void {
    const { k } = this;
    const task = k.executor.current;
    const caller = task?.caller ?? 0;
    k.probes.acquired?.({ lock, lockKind, shared, tried, caller });
    // A semaphore is nobody's: who counts it up need not be who counted it down.
    if (lockKind === 'semaphore') return;
    const held: HeldLock = { lock, lockKind, shared, tried, caller, task, current: k.current };
    task?.holds.push(held);
    const others = this.byLock.get(lock);
    if (shared && others?.[0]?.shared) others.push(held);
    else {
      // Who held it before gave it back by means that nobody saw: its memory was freed, or set up anew.
      if (others) this.forget(lock);
      this.byLock.set(lock, [held]);
    }
  }

  /** The lock is given back, by the running task if it holds it, or for another one. */
  released(lockKind: LockKind, lock: Ptr): void {
    const { k } = this;
    const task = k.executor.current;
    const holders = this.byLock.get(lock);
    const own = holders?.map((held) => held.task).lastIndexOf(task) ?? -1;
    const held = holders?.[Math.max(own, 0)];
    const { shared = false, tried = false } = held ?? {};
    k.probes.released?.({ lock, lockKind, shared, tried, caller: task?.caller ?? 0 });
    if (!holders || !held || (own < 0 && lockKind === 'rcu')) return;
    // Of several readers nobody knows which one another task stands in for.
    if (holders.length === 1 || own < 0) this.forget(lock);
    else {
      holders.splice(own, 1);
      leave(held);
    }
  }

  /** The lock is as new, or nobody knows any longer who holds it. */
  forget(lock: Ptr): void {
    const holders = this.byLock.get(lock);
    if (!holders) return;
    this.byLock.delete(lock);
    for (const held of holders) leave(held);
  }

  /** Its writer goes on as a reader: downgrade_write(). */
  shares(lock: Ptr): void {
    const [held] = this.byLock.get(lock) ?? [];
    if (!held) return;
    const shared: HeldLock = { ...held, shared: true };
    this.byLock.set(lock, [shared]);
    if (held.task) held.task.holds[held.task.holds.indexOf(held)] = shared;
  }

  /** Who holds a lock: one, or several readers, in the order in which they took it. */
  holders(lock: Ptr): readonly HeldLock[] {
    return this.byLock.get(lock) ?? [];
  }

  /** What a task holds, in the order in which it was taken. */
  of(task: Task): readonly HeldLock[] {
    return task.holds as readonly LockUse[] as readonly HeldLock[];
  }

  /** Tasks end without what they hold; of who was killed something worse was said. */
  boot(): void {
    this.k.processes.onExit((task) => {
      if (task.state !== 'finished') return;
      for (const held of this.of(task).filter(isSleeping)) this.reportEnded(task, held);
    });
  }

  /** Locks of the module that somebody has who lives on. */
  *holds(): Generator<Holding> {
    for (const [at, [held]] of this.byLock)
      if (isSleeping(held) && !held.task?.ended) yield { kind: `held ${held.lockKind}`, at, name: () => '' };
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
    const self = k.executor.current;
    const circle = self && this.circle(self, self, lock, new Set());
    if (circle) k.traps.deadlock(lock, circle);
  }

  /** Who waits for whom from `task`, which wants `lock`, to `self`; undefined where it does not lead there. */
  private circle(self: Task, task: Task, lock: Ptr, seen: Set<Task>): string[] | undefined {
    for (const { task: holder, lockKind } of this.holders(lock)) {
      if (!holder || holder.ended || seen.has(holder)) continue;
      seen.add(holder);
      const rest = holder === self ? [] : this.circle(self, holder, holder.waitsFor, seen);
      if (!rest) continue;
      const what = `the ${lockKind} at ${symbolize(this.k, lock)}`;
      return [`${this.comm(task)} waits for ${what}, which ${this.comm(holder)} holds`, ...rest];
    }
    return undefined;
  }

  private comm({ object }: Task): string {
    return this.k.struct('task_struct').text(object, 'comm');
  }
}

/** Whether somebody else would wait for it without end: of other locks the count of preemption tells. */
const isSleeping = ({ lockKind }: HeldLock): boolean =>
  lockKind === 'mutex' || lockKind === 'rt_mutex' || lockKind === 'rw_semaphore';

/** The task no longer holds it. */
function leave(held: HeldLock): void {
  const at = held.task?.holds.lastIndexOf(held) ?? -1;
  if (at >= 0) held.task!.holds.splice(at, 1);
}
