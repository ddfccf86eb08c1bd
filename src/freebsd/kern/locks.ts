import type { Ptr } from '../../cpu/layout.js';
import { LOGLEVEL_ERR } from '../../kernel/log.js';
import type { Holding } from '../../kernel/modules/holding.js';
import type { Task } from '../../kernel/task/task.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Code } from './code.js';
import { Giant } from './giant.js';
import type { FaultKind } from './panic.js';

/** The classes of locks, in the order of lock_classes[] (sys/kern/subr_lock.c): what witness(4) calls each. */
export const LOCK_CLASSES = [
  'spin mutex',
  'sleep mutex',
  'sx',
  'rm',
  'sleepable rm',
  'rw',
  'lockmgr',
] as const;
export type LockClass = (typeof LOCK_CLASSES)[number];

/** A lock that was initialised and not destroyed. */
export interface KnownLock {
  /** Its struct lock_object, which every lock begins with. */
  readonly at: Ptr;
  readonly lockClass: LockClass;
  readonly name: string;
  /** What witness(4) calls its kind: the type that mtx_init() is given, or its name. */
  readonly witness: string;
  /** Who has it: by its word, which modules change by themselves. */
  readonly owners: () => readonly (Task | undefined)[];
  /** Whether those who have it are readers. */
  readonly isShared: () => boolean;
}

/** What a class of locks says of one that is initialised. */
export interface NewLock {
  readonly lockClass: LockClass;
  readonly name: Ptr;
  /** Another name of its kind: 0 for none. */
  readonly type?: Ptr;
  /** LO_RECURSABLE and its like. */
  readonly flags: number;
  readonly owners: KnownLock['owners'];
  readonly isShared?: KnownLock['isShared'];
}

/** Locks that a thread may not sleep with. */
const NOT_SLEEPABLE: ReadonlySet<LockClass> = new Set(['spin mutex', 'sleep mutex', 'rm', 'rw']);

/**
 * Which locks there are, and who has them. Taking a free lock is inlined in modules, so nobody sees it; but a lock's word says who has it,
 * and every lock was initialised by a call. What witness(4) and INVARIANTS would complain of is found so in a kernel that has neither.
 */
export class Locks implements Subsystem {
  readonly exports = {};
  /** Where a thread has taken a lock, `file.c:12`; set by witness(4), which stands above. */
  placeOf: (task: Task, lock: Ptr) => string | undefined = () => undefined;
  private readonly known = new Map<Ptr, KnownLock>();

  constructor(private readonly k: FreebsdKernel) {}

  /** lock_init(): fills the struct lock_object and keeps the lock in mind. */
  init(at: Ptr, lock: NewLock): void {
    const { k } = this;
    const { lockClass, name, flags, owners } = lock;
    const type = k.struct('lock_object');
    const shift = k.macro('LO_CLASSSHIFT');
    const there = this.known.get(at);
    if (
      there &&
      (type.get(at, 'lo_flags') & k.macro('LO_INITIALIZED')) !== 0 &&
      (flags & k.macro('LO_NEW')) === 0
    )
      this.complain(
        'lock-misuse',
        `lock "${there.name}" 0x${k.space.toAddress(at).toString(16)} already initialized`,
      );
    type.set(at, 'lo_name', name);
    type.set(at, 'lo_flags', flags | k.macro('LO_INITIALIZED') | (LOCK_CLASSES.indexOf(lockClass) << shift));
    type.set(at, 'lo_data', 0);
    type.set(at, 'lo_witness', 0);
    const text = name === 0 ? '' : k.space.cstring(name, 128);
    const witness = lock.type ? k.space.cstring(lock.type, 128) : text;
    this.known.set(at, {
      at,
      lockClass,
      name: text,
      witness,
      owners,
      isShared: lock.isShared ?? (() => false),
    });
    k.origins.note(at);
  }

  /** lock_destroy(). */
  destroy(at: Ptr): void {
    const type = this.k.struct('lock_object');
    type.set(at, 'lo_flags', type.get(at, 'lo_flags') & ~this.k.macro('LO_INITIALIZED'));
    this.forget(at);
  }

  private forget(at: Ptr): void {
    this.known.delete(at);
    this.k.origins.forget(at);
  }

  /** Memory goes: locks in it are none any longer, destroyed or not. */
  forgetIn(start: Ptr, bytes: number): void {
    for (const at of this.known.keys()) if (at >= start && at < start + bytes) this.forget(at);
  }

  find(at: Ptr): KnownLock | undefined {
    return this.known.get(at);
  }

  /** A lock that was destroyed has its name still. */
  nameOf(at: Ptr): string {
    return this.known.get(at)?.name ?? this.k.struct('lock_object').string(at, 'lo_name');
  }

  /** Whether the running thread has a lock. */
  isMineAt(at: Ptr): boolean {
    const { current } = this.k.executor;
    return current !== undefined && (this.known.get(at)?.owners().includes(current) ?? false);
  }

  isKnown(at: Ptr): boolean {
    return this.known.has(at);
  }

  /** Locks that a thread has. */
  *heldBy(task: Task): Generator<KnownLock> {
    for (const lock of this.known.values()) if (lock.owners().includes(task)) yield lock;
  }

  /**
   * The running thread calls what may sleep: where it may not, that is reported in the words of WITNESS_WARN() and the kernel's
   * assertions. `except` is the lock that the sleep gives up.
   */
  mightSleep(what: string, except: Ptr = 0): void {
    const { k } = this;
    if (this.isMisplaced(what)) return;
    if (k.executor.current && k.struct('thread').get(k.curthread, 'td_no_sleeping') > 0)
      this.complain('sleep-in-atomic', `${what} where sleeping is prohibited (THREAD_NO_SLEEPING)`);
    else this.tellHeld(what, except);
  }

  /** The running thread takes a lock that its owners may sleep with, and that nobody has: it does not sleep for it. */
  mightBlock(what: string): void {
    if (!this.isMisplaced(what)) this.tellHeld(what, 0);
  }

  /** In an interrupt or a critical section, which is reported. */
  private isMisplaced(what: string): boolean {
    const { k } = this;
    const task = k.executor.current;
    if (!task) return false;
    if (task.isInterrupt) {
      this.complain('sleep-in-atomic', `${what} in interrupt context`);
      return true;
    }
    if (k.struct('thread').get(k.curthread, 'td_critnest') === 0) return false;
    this.complain('sleep-in-atomic', `${what} with a spin lock or in a critical section`);
    return true;
  }

  /** Locks that the running thread may not sleep with. */
  private tellHeld(what: string, except: Ptr): void {
    const { k } = this;
    const task = k.executor.current;
    if (!task) return;
    // A sleep gives up Giant by itself.
    const giant = k.get(Giant).at;
    const held = [...this.heldBy(task)].filter(
      ({ at, lockClass }) => at !== except && at !== giant && NOT_SLEEPABLE.has(lockClass),
    );
    if (held.length === 0) return;
    this.complain(
      'sleep-in-atomic',
      `${what} with the following non-sleepable locks held:`,
      held.map((lock) => this.lockLine(lock, task)),
    );
  }

  /**
   * `exclusive sleep mutex foo (foo) r = 0 (0xfffff80003a1d018) locked @ file.c:12`, as witness_list_lock() prints it; where it was locked only
   * where the call said so.
   */
  lockLine(lock: KnownLock, task: Task): string {
    const { at, lockClass, name, witness } = lock;
    const recursed = this.k.struct('lock_object').get(at, 'lo_data');
    const how = lock.isShared() ? 'shared' : 'exclusive';
    const place = this.placeOf(task, at);
    const where = place === undefined ? '' : ` locked @ ${place}`;
    return `${how} ${lockClass} ${name} (${witness}) r = ${recursed} (0x${this.k.space.toAddress(at).toString(16)})${where}`;
  }

  /** A misuse that an INVARIANTS or WITNESS kernel would stop at: it is reported, and the thread goes on. */
  complain(
    kind: FaultKind,
    message: string,
    locks: readonly string[] = [],
    details: readonly string[] = [],
  ): void {
    const whole = locks.length === 0 ? message : `${message} ${locks.join(', ')}`;
    this.k.trap.reports.add({
      kind,
      message: whole,
      address: this.k.space.toAddress(this.k.caller),
      details,
    });
  }

  /** Locks that a module initialised in memory of the kernel's and that somebody has. */
  *holds(): Generator<Holding> {
    for (const { at, lockClass, name, owners } of this.known.values())
      if (owners().length > 0)
        yield { kind: `held ${lockClass}`, at, by: this.k.origins.of(at), name: () => name };
  }

  boot(): void {
    this.k.processes.onExit((task) => {
      const held = [...this.heldBy(task)];
      if (held.length > 0) this.k.processes.keepThread(task);
      if (task.state !== 'finished') return;
      for (const lock of held) {
        const message = `modbox: ${this.k.processes.nameOf(task)} ended and still holds ${this.lockLine(lock, task)}`;
        this.k.log.line(message, LOGLEVEL_ERR);
        const culprit = this.k.get(Code).symbolAt(this.k.origins.of(lock.at)?.caller ?? 0)?.file;
        this.k.trap.reports.add({ kind: 'lock-misuse', message, culprit }, task);
      }
    });
  }
}
