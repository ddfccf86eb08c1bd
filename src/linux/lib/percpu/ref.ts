import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { SoftirqQueue } from '../../softirq-queue.js';
import type { Subsystem } from '../../subsystem.js';

/** Low bits of percpu_count_ptr, which inlined percpu_ref_get() looks at (include/linux/percpu-refcount.h). */
const ATOMIC = 1n;
const DEAD = 2n;
const FLAGS = ATOMIC | DEAD;

/** Flags of percpu_ref_init(). */
const INIT_ATOMIC = 1;
const INIT_DEAD = 2;
const ALLOW_REINIT = 4;
/** Held by the shared count while references are counted per CPU. */
const BIAS = 1n << 63n;

/** References counted per CPU until they are killed (include/linux/percpu-refcount.h). */
export class PercpuRef implements Subsystem {
  private readonly type: StructType;
  private readonly dataType: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.type = k.struct('percpu_ref');
    this.dataType = k.struct('percpu_ref_data');
  }

  readonly exports = {
    percpu_ref_init: (ref: Ptr, release: Ptr, flags: number) => this.init(ref, release, flags),
    percpu_ref_exit: (ref: Ptr) => this.exit(ref),
    percpu_ref_kill_and_confirm: (ref: Ptr, confirm: Ptr) => {
      this.setWord(ref, this.word(ref) | DEAD);
      this.switchToAtomic(ref, confirm);
      return this.put(ref);
    },
    percpu_ref_switch_to_atomic: (ref: Ptr, confirm: Ptr) => {
      this.dataType.set(this.dataOf(ref), 'force_atomic', 1);
      this.switchToAtomic(ref, confirm);
    },
    percpu_ref_switch_to_atomic_sync: (ref: Ptr) => {
      this.dataType.set(this.dataOf(ref), 'force_atomic', 1);
      this.switchToAtomic(ref, 0);
    },
    percpu_ref_switch_to_percpu: (ref: Ptr) => {
      this.dataType.set(this.dataOf(ref), 'force_atomic', 0);
      this.switchToPercpu(ref);
    },
    percpu_ref_resurrect: (ref: Ptr) => this.resurrect(ref),
    percpu_ref_reinit: (ref: Ptr) => this.resurrect(ref),
    percpu_ref_is_zero: (ref: Ptr) => {
      const word = this.word(ref);
      if (!(word & ATOMIC)) return false;
      const data = this.dataOf(ref);
      return data === 0 ? word >> 2n === 0n : this.count(data) === 0n;
    },
  };

  private word(ref: Ptr): bigint {
    return this.type.getBig(ref, 'percpu_count_ptr');
  }

  private setWord(ref: Ptr, word: bigint): void {
    this.type.setBig(ref, 'percpu_count_ptr', word);
  }

  private dataOf(ref: Ptr): Ptr {
    return this.type.get(ref, 'data');
  }

  private count(data: Ptr): bigint {
    return this.dataType.getBig(data, 'count');
  }

  private setCount(data: Ptr, count: bigint): void {
    this.dataType.setBig(data, 'count', count);
  }

  private percpuPart(ref: Ptr): Ptr {
    return Number(this.word(ref) & ~FLAGS);
  }

  private init(ref: Ptr, release: Ptr, flags: number): number {
    const { k, dataType } = this;
    const part = k.percpu.allocate(8, 8);
    const data = part === 0 ? 0 : k.slab.allocateBytes(dataType.size, true);
    if (data === 0) {
      if (part !== 0) k.percpu.free(part);
      return -ENOMEM;
    }
    let word = BigInt(part);
    let count = 0n;
    if (flags & (INIT_ATOMIC | INIT_DEAD)) word |= ATOMIC;
    else count += BIAS;
    if (flags & INIT_DEAD) word |= DEAD;
    else count += 1n;
    dataType.set(data, 'force_atomic', flags & INIT_ATOMIC ? 1 : 0);
    dataType.set(data, 'allow_reinit', flags & (ALLOW_REINIT | INIT_ATOMIC | INIT_DEAD) ? 1 : 0);
    dataType.set(data, 'release', release);
    dataType.set(data, 'ref', ref);
    this.setCount(data, count);
    this.setWord(ref, word);
    this.type.set(ref, 'data', data);
    return 0;
  }

  private exit(ref: Ptr): void {
    const part = this.percpuPart(ref);
    const data = this.dataOf(ref);
    if (part !== 0) this.k.percpu.free(part);
    if (data === 0) return;
    this.setWord(ref, BigInt.asUintN(64, ATOMIC | DEAD | (this.count(data) << 2n)));
    this.type.set(ref, 'data', 0);
    this.k.slab.free(data);
  }

  /** Moves the CPU's part to the shared count; `confirm` is called once that is visible everywhere. */
  private switchToAtomic(ref: Ptr, confirm: Ptr): void {
    const { k } = this;
    if (!(this.word(ref) & ATOMIC)) {
      const at = k.percpu.deref(this.percpuPart(ref));
      const data = this.dataOf(ref);
      this.setCount(data, this.count(data) + k.space.load64(at) - BIAS);
      k.space.store64(at, 0n);
      this.setWord(ref, this.word(ref) | ATOMIC);
    }
    if (confirm !== 0) k.get(SoftirqQueue).raise('percpu_ref', () => k.callAs('v:p', confirm, ref));
  }

  private switchToPercpu(ref: Ptr): void {
    const data = this.dataOf(ref);
    const word = this.word(ref);
    if (!(word & ATOMIC) || word & DEAD || this.dataType.get(data, 'force_atomic')) return;
    this.setCount(data, this.count(data) + BIAS);
    this.setWord(ref, word & ~ATOMIC);
  }

  private resurrect(ref: Ptr): void {
    const data = this.dataOf(ref);
    this.setWord(ref, this.word(ref) & ~DEAD);
    this.setCount(data, this.count(data) + 1n);
    this.switchToPercpu(ref);
  }

  private *put(ref: Ptr): Sleepable<void> {
    const data = this.dataOf(ref);
    const count = this.count(data) - 1n;
    this.setCount(data, count);
    if (BigInt.asUintN(64, count) === 0n) yield* this.dataType.call(data, 'release', ref);
  }
}
