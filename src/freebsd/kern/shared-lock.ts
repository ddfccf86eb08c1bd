import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import type { FreebsdKernel } from '../kernel.js';
import { LockWord } from './lock-word.js';
import { type LockClass, Locks } from './locks.js';
import { Panic } from './panic.js';
import { Turnstiles } from './turnstile.js';
import { type Place, Witness } from './witness.js';

/** The flags of the word of a kind of lock that one writer or many readers have. sx and rw have the same form. */
export interface WordFlags {
  readonly shared: number;
  readonly sharedWaiters: number;
  readonly exclusiveWaiters: number;
  readonly recursed: number;
  readonly destroyed: number;
  /** One reader, in units of the word. */
  readonly oneSharer: number;
}

/**
 * Locks that one thread has alone or several have together: sx(9) and rwlock(9). The word says which; who the readers are it does not
 * say, so that is kept here.
 */
export class SharedLocks {
  private readonly readers = new Map<Ptr, Task[]>();

  constructor(
    private readonly k: FreebsdKernel,
    private readonly kind: string,
    private readonly flags: WordFlags,
    private readonly wordOffset: number,
    /** Whether who has one may sleep. */
    private readonly sleepable: boolean,
  ) {}

  word(lock: Ptr): LockWord {
    return new LockWord(this.k, lock + this.wordOffset);
  }

  init(lock: Ptr, lockClass: LockClass, name: Ptr, loFlags: number): void {
    this.readers.delete(lock);
    this.k.get(Locks).init(lock, {
      lockClass,
      name,
      flags: loFlags,
      owners: () => this.owners(lock),
      isShared: () => this.word(lock).has(this.flags.shared),
    });
    this.word(lock).value = BigInt(this.flags.shared);
  }

  destroy(lock: Ptr): void {
    const owners = this.owners(lock);
    const { current } = this.k.executor;
    if (owners.some((task) => task !== current))
      this.misuse(lock, `${this.kind}_destroy of a lock that another thread holds:`);
    this.readers.delete(lock);
    this.word(lock).value = BigInt(this.flags.destroyed);
    this.k.get(Locks).destroy(lock);
  }

  owners(lock: Ptr): readonly Task[] {
    const word = this.word(lock);
    if (!this.k.space.canRead(word.at, 8)) return [];
    if (word.has(this.flags.shared)) return this.readers.get(lock) ?? [];
    const { task } = word;
    return task ? [task] : [];
  }

  /** Whether the running thread has it alone. */
  isMine(lock: Ptr): boolean {
    const word = this.word(lock);
    return !word.has(this.flags.shared) && word.isMine;
  }

  /** Whether the running thread is one of its readers. */
  isShared(lock: Ptr): boolean {
    const { current } = this.k.executor;
    return current !== undefined && (this.readers.get(lock) ?? []).includes(current);
  }

  /** What modules call that are built with their locks as functions: the order of locks is looked at. */
  *exclusiveCalled(lock: Ptr, place: Place, duplicatesOk = false): Sleepable<void> {
    const witness = this.k.get(Witness);
    witness.check({ lock, place, duplicatesOk });
    yield* this.exclusive(lock);
    witness.locked(lock, place);
  }

  /** The same for a reader. */
  *sharedCalled(lock: Ptr, place: Place, duplicatesOk = false): Sleepable<void> {
    const witness = this.k.get(Witness);
    witness.check({ lock, place, duplicatesOk });
    yield* this.shared(lock);
    witness.locked(lock, place);
  }

  tryExclusive(lock: Ptr): boolean {
    const word = this.word(lock);
    const waiters = BigInt(this.flags.sharedWaiters | this.flags.exclusiveWaiters);
    if ((word.value & ~waiters) !== BigInt(this.flags.shared)) return false;
    word.own();
    this.noteWaiters(lock);
    return true;
  }

  *exclusive(lock: Ptr): Sleepable<void> {
    const { k } = this;
    const word = this.word(lock);
    if (this.isMine(lock)) {
      this.recurse(lock);
      return;
    }
    while (!this.tryExclusive(lock)) {
      this.demandLive(lock);
      if (this.isShared(lock))
        throw new Panic(
          `${this.describe(lock)}: a reader that wants to write waits for itself for ever`,
          'deadlock',
          lock,
        );
      word.set(this.flags.exclusiveWaiters);
      yield* k.get(Turnstiles).block(this.blocking(lock));
    }
  }

  releaseExclusive(lock: Ptr): void {
    const { k } = this;
    k.get(Witness).unlocked(lock);
    const word = this.word(lock);
    if (!this.isMine(lock)) {
      const isDestroyed = word.value === BigInt(this.flags.destroyed);
      this.misuse(
        lock,
        isDestroyed
          ? `${this.kind}_xunlock() of destroyed`
          : `${this.kind}_xunlock: lock not owned by the thread:`,
      );
      return;
    }
    const object = k.struct('lock_object');
    const depth = object.get(lock, 'lo_data');
    if (depth > 0) {
      object.set(lock, 'lo_data', depth - 1);
      if (depth === 1) word.clear(this.flags.recursed);
      return;
    }
    word.value = BigInt(this.flags.shared);
    k.get(Turnstiles).release(lock);
  }

  tryShared(lock: Ptr): boolean {
    const word = this.word(lock);
    if (!word.has(this.flags.shared)) return false;
    // Writers that wait come first, unless the thread is a reader already.
    if (
      word.has(this.flags.exclusiveWaiters) &&
      this.k.get(Turnstiles).isContested(lock) &&
      !this.isShared(lock)
    )
      return false;
    word.value += BigInt(this.flags.oneSharer);
    const { current } = this.k.executor;
    if (current) this.readers.set(lock, [...(this.readers.get(lock) ?? []), current]);
    return true;
  }

  *shared(lock: Ptr): Sleepable<void> {
    while (!this.tryShared(lock)) {
      this.demandLive(lock);
      if (this.isMine(lock))
        throw new Panic(
          `${this.describe(lock)}: a writer that wants to read waits for itself for ever`,
          'deadlock',
          lock,
        );
      this.word(lock).set(this.flags.sharedWaiters);
      yield* this.k.get(Turnstiles).block(this.blocking(lock));
    }
  }

  releaseShared(lock: Ptr): void {
    this.k.get(Witness).unlocked(lock);
    const word = this.word(lock);
    const sharers = word.value >> BigInt(Math.log2(this.flags.oneSharer));
    if (!word.has(this.flags.shared) || sharers === 0n) {
      this.misuse(lock, `${this.kind}_sunlock: lock has no readers:`);
      return;
    }
    word.value -= BigInt(this.flags.oneSharer);
    this.dropReader(lock);
    if (sharers === 1n) {
      word.value = BigInt(this.flags.shared);
      this.k.get(Turnstiles).release(lock);
    }
  }

  /** A reader becomes the writer, if it is the only one. */
  tryUpgrade(lock: Ptr): boolean {
    const word = this.word(lock);
    const sharers = word.value >> BigInt(Math.log2(this.flags.oneSharer));
    if (!word.has(this.flags.shared) || sharers !== 1n) return false;
    this.dropReader(lock);
    word.own();
    this.noteWaiters(lock);
    return true;
  }

  downgrade(lock: Ptr): void {
    this.word(lock).value = BigInt(this.flags.shared + this.flags.oneSharer);
    const { current } = this.k.executor;
    this.readers.set(lock, current ? [current] : []);
    this.k.get(Turnstiles).release(lock);
  }

  private dropReader(lock: Ptr): void {
    const readers = [...(this.readers.get(lock) ?? [])];
    const { current } = this.k.executor;
    const at = current ? readers.lastIndexOf(current) : -1;
    readers.splice(at < 0 ? readers.length - 1 : at, 1);
    if (readers.length === 0) this.readers.delete(lock);
    else this.readers.set(lock, readers);
  }

  /** Taken once more by its owner; `allowed` where the call says that it may. */
  recurse(lock: Ptr, allowed = false): void {
    const { k } = this;
    const object = k.struct('lock_object');
    if (!allowed && (object.get(lock, 'lo_flags') & k.macro('LO_RECURSABLE')) === 0)
      this.misuse(lock, `_${this.kind}_xlock_hard: recursed on non-recursive ${this.kind}`);
    object.set(lock, 'lo_data', object.get(lock, 'lo_data') + 1);
    this.word(lock).set(this.flags.recursed);
  }

  /** Others wait still: whoever releases it has to call. */
  private noteWaiters(lock: Ptr): void {
    if (this.k.get(Turnstiles).isContested(lock)) this.word(lock).set(this.flags.exclusiveWaiters);
  }

  private blocking(lock: Ptr) {
    return {
      lock,
      kind: `${this.kind} ${this.k.get(Locks).nameOf(lock)}`,
      sleepable: this.sleepable,
      owners: () => this.owners(lock),
    };
  }

  private demandLive(lock: Ptr): void {
    if (this.word(lock).value === BigInt(this.flags.destroyed))
      throw new Panic(`${this.kind} lock() of destroyed ${this.describe(lock)}`, 'lock-misuse', lock);
  }

  private misuse(lock: Ptr, what: string): void {
    this.k.get(Locks).complain('lock-misuse', `${what} ${this.describe(lock)}`);
  }

  private describe(lock: Ptr): string {
    return `${this.kind} ${this.k.get(Locks).nameOf(lock)} at 0x${this.k.space.toAddress(lock).toString(16)}`;
  }
}
