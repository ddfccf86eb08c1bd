import type { Ptr } from '../../cpu/layout.js';
import type { Task } from '../../kernel/task/task.js';
import type { FreebsdKernel } from '../kernel.js';

/** Threads are aligned so that the low bits of a lock's word are free for flags (CACHE_LINE_SIZE of sys/sys/mutex.h and its like). */
const OWNER_MASK = ~0x1fn;

/** The word of a lock: its owner, and flags in the low bits. */
export class LockWord {
  constructor(
    private readonly k: FreebsdKernel,
    readonly at: Ptr,
  ) {}

  get value(): bigint {
    return this.k.space.load64(this.at);
  }

  set value(word: bigint) {
    this.k.space.store64(this.at, word);
  }

  /** struct thread of who has it, 0 for nobody. */
  get owner(): Ptr {
    return this.k.space.fromAddress(this.value & OWNER_MASK);
  }

  /** The task of who has it, where it can be read and is one. */
  get task(): Task | undefined {
    if (!this.k.space.canRead(this.at, 8)) return undefined;
    const { owner } = this;
    return owner === 0 ? undefined : this.k.processes.taskOf(owner);
  }

  own(flags = 0n): void {
    this.value = this.k.space.toAddress(this.k.curthread) | flags;
  }

  get isMine(): boolean {
    return this.owner === this.k.curthread;
  }

  set(flag: number): void {
    this.value |= BigInt(flag);
  }

  clear(flag: number): void {
    this.value &= ~BigInt(flag);
  }

  has(flag: number): boolean {
    return (this.value & BigInt(flag)) !== 0n;
  }
}
