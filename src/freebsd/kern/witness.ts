import type { Ptr } from '../../cpu/layout.js';
import type { Task } from '../../kernel/task/task.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Code } from './code.js';
import { Giant } from './giant.js';
import { LockOrder, type WitnessedLock } from './lock-order.js';
import { type KnownLock, Locks } from './locks.js';

/** A source line that a lock function was told, or that nobody told. */
export interface Place {
  readonly file: Ptr;
  readonly line: number;
}

/** Nobody said where. */
export const UNSAID: Place = { file: 0, line: 0 };

/** A lock that a thread took by a call that said where. */
interface Instance {
  readonly at: Ptr;
  readonly place: string;
}

/** How a lock is about to be taken. */
export interface Taking {
  readonly lock: Ptr;
  readonly place: Place;
  /** LOP_DUPOK: another one of its kind may be held. */
  readonly duplicatesOk?: boolean;
}

/**
 * The order of locks, as witness(4) keeps it (sys/kern/subr_witness.c). Modules that are built with their locks as functions (as all but the
 * kernel's own are) say with each call where it is; what others take by inlined code is not seen.
 */
export class Witness implements Subsystem {
  readonly exports = {};
  readonly order = new LockOrder();
  private readonly taken = new Map<Task, Instance[]>();

  constructor(private readonly k: FreebsdKernel) {
    k.get(Locks).placeOf = (task, lock) => this.placeOf(task, lock);
  }

  boot(): void {
    this.k.processes.onExit((task) => this.taken.delete(task));
  }

  /** WITNESS_CHECKORDER() before a lock is taken by a call that may wait for it. */
  check({ lock, place, duplicatesOk }: Taking): void {
    const { k } = this;
    const task = k.executor.current;
    const known = k.get(Locks).find(lock);
    if (!task || !known || place.file === 0) return;
    this.demandNoSpin(known, place);
    const held = this.heldBy(task, known);
    const last = held.at(-1);
    if (!this.isWitnessed(known) || !last || held.some(({ at }) => at === lock)) return;
    const [lastLock] = this.locksOf([last]);
    if (lastLock && isSameKind(lastLock, known)) {
      if (!duplicatesOk && !(this.flags(last.at) & k.macro('LO_DUPOK')))
        this.tellDuplicate(last, known, place);
      return;
    }
    if (lastLock && this.order.isChild(toKind(lastLock), toKind(known))) return;
    for (const instance of [...held].reverse()) {
      const [before] = this.locksOf([instance]);
      if (!before || isSameKind(before, known) || !this.isReversal(before, known)) continue;
      this.tellReversal(instance, before, known, place);
      return;
    }
    if (lastLock) this.order.add(toKind(lastLock), toKind(known), () => this.trace(task));
  }

  /** WITNESS_LOCK(): the running thread has it now. */
  locked(lock: Ptr, { file, line }: Place): void {
    const task = this.k.executor.current;
    if (!task || file === 0) return;
    const instance = { at: lock, place: `${this.fileName(file)}:${line}` };
    this.taken.set(task, [...this.live(task), instance]);
  }

  /** WITNESS_UNLOCK(). */
  unlocked(lock: Ptr): void {
    const task = this.k.executor.current;
    const all = task && this.taken.get(task);
    if (!all) return;
    const at = all.map((instance) => instance.at).lastIndexOf(lock);
    if (at >= 0) all.splice(at, 1);
  }

  /** Where the lock was taken by a thread, as far as that was said. */
  private placeOf(task: Task, lock: Ptr): string | undefined {
    return this.live(task).find(({ at }) => at === lock)?.place;
  }

  /** Instances that are held still: code that is inlined gives locks back unseen. */
  private live(task: Task): Instance[] {
    const locks = this.k.get(Locks);
    return (this.taken.get(task) ?? []).filter(({ at }) => locks.find(at)?.owners().includes(task));
  }

  /** Spin mutexes have an order of their own among themselves. */
  private heldBy(task: Task, wanted: KnownLock): Instance[] {
    return this.live(task).filter(({ at }) => {
      const lock = this.k.get(Locks).find(at);
      return lock !== undefined && isSpin(lock) === isSpin(wanted) && this.isWitnessed(lock);
    });
  }

  private locksOf(instances: readonly Instance[]): (KnownLock | undefined)[] {
    return instances.map(({ at }) => this.k.get(Locks).find(at));
  }

  private flags(lock: Ptr): number {
    return this.k.struct('lock_object').get(lock, 'lo_flags');
  }

  private isWitnessed({ at }: KnownLock): boolean {
    return (this.flags(at) & this.k.macro('LO_WITNESS')) !== 0;
  }

  private isSleepable({ at }: KnownLock): boolean {
    return (this.flags(at) & this.k.macro('LO_SLEEPABLE')) !== 0;
  }

  private isGiant({ at }: KnownLock): boolean {
    return at === this.k.get(Giant).at;
  }

  /** Whether a lock may not be taken with another one held. Giant goes with sleepable locks in either order. */
  private isReversal(before: KnownLock, wanted: KnownLock): boolean {
    if (this.isGiant(wanted)) return !this.isSleepable(before);
    if (this.isGiant(before) && this.isSleepable(wanted)) return false;
    if (this.isSleepable(wanted) && !this.isSleepable(before)) return true;
    return this.order.isDescendant(toKind(wanted), toKind(before));
  }

  private reversalHead(before: KnownLock, wanted: KnownLock): string {
    if (this.isSleepable(wanted) && !this.isSleepable(before))
      return 'lock order reversal: (sleepable after non-sleepable)';
    if (this.isGiant(wanted)) return 'lock order reversal: (Giant after non-sleepable)';
    return 'lock order reversal:';
  }

  private tellReversal(instance: Instance, before: KnownLock, wanted: KnownLock, place: Place): void {
    if (!this.order.isNews(toKind(before), toKind(wanted))) return;
    const established = this.order.established(toKind(wanted), toKind(before));
    const locks = [
      `1st ${this.lockText(before)} @ ${instance.place}`,
      `2nd ${this.lockText(wanted)} @ ${this.text(place)}`,
    ];
    this.k
      .get(Locks)
      .complain('lock-order', this.reversalHead(before, wanted), locks, [
        ...(established
          ? [`lock order ${wanted.witness} -> ${before.witness} established at:`, ...established]
          : []),
        `lock order ${before.witness} -> ${wanted.witness} attempted at:`,
      ]);
  }

  private tellDuplicate(held: Instance, wanted: KnownLock, place: Place): void {
    if (!this.order.isNews(toKind(wanted), toKind(wanted))) return;
    const [first] = this.locksOf([held]);
    this.k
      .get(Locks)
      .complain('lock-order', `acquiring duplicate lock of same type: "${wanted.witness}"`, [
        `1st ${first?.name ?? ''} @ ${held.place}`,
        `2nd ${wanted.name} @ ${this.text(place)}`,
      ]);
  }

  /** Who may not be preempted may not wait. */
  private demandNoSpin(wanted: KnownLock, place: Place): void {
    const { k } = this;
    if (isSpin(wanted) || k.processes.critnest === 0) return;
    const what = 'acquiring blockable sleep lock with spinlock or critical section held';
    k.get(Locks).complain(
      'sleep-in-atomic',
      `${what} (${wanted.lockClass}) ${wanted.name} @ ${this.text(place)}`,
    );
  }

  /** `0xfffff80003a1d018 foo (foo, sleep mutex)` */
  private lockText({ at, name, witness, lockClass }: KnownLock): string {
    return `0x${this.k.space.toAddress(at).toString(16)} ${name} (${witness}, ${lockClass})`;
  }

  /** `file.c:12` */
  text({ file, line }: Place): string {
    return `${this.fileName(file)}:${line}`;
  }

  /** fixup_filename(): without the way up to the sources. */
  private fileName(file: Ptr): string {
    return this.k.space.cstring(file, 256).replace(/^(\.\.\/)+/, '');
  }

  private trace(task: Task): readonly string[] {
    const { k } = this;
    return k.trap.reports.ofTask(
      task,
      () =>
        k
          .get(Code)
          .backtrace(task)
          .map(({ text }) => text),
      [],
    );
  }
}

function isSpin({ lockClass }: KnownLock): boolean {
  return lockClass === 'spin mutex';
}

function isSameKind(one: KnownLock, other: KnownLock): boolean {
  return one.lockClass === other.lockClass && one.witness === other.witness;
}

function toKind({ witness, lockClass }: KnownLock): WitnessedLock {
  return { name: witness, lockClass };
}
