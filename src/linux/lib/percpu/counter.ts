import type { Ptr } from '../../../cpu/layout.js';
import { list } from '../../abi/list.js';
import type { StructType } from '../../abi/struct.js';
import { ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

const BATCH = 32;

/** A CPU's part of a counter is an s32. */
const PART_BYTES = 4;

/** Counters with a part on every CPU (include/linux/percpu_counter.h). */
export class PercpuCounter implements Subsystem {
  private readonly type: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.type = k.struct('percpu_counter');
  }

  readonly exports = {
    __percpu_counter_init: (counter: Ptr, amount: bigint) => this.init(counter, amount, 1),
    __percpu_counter_init_many: (counters: Ptr, amount: bigint, _gfp: number, count: number) =>
      this.init(counters, amount, count),
    percpu_counter_destroy: (counter: Ptr) => this.destroy(counter, 1),
    percpu_counter_destroy_many: (counters: Ptr, count: number) => this.destroy(counters, count),
    percpu_counter_set: (counter: Ptr, amount: bigint) => {
      this.k.space.store32(this.part(counter), 0);
      this.type.setBig(counter, 'count', amount);
    },
    percpu_counter_add_batch: (counter: Ptr, amount: bigint, batch: number) => {
      const at = this.part(counter);
      const sum = BigInt(this.k.space.loadInt32(at)) + amount;
      const isLarge = sum >= BigInt(batch) || sum <= BigInt(-batch);
      if (isLarge) this.type.setBig(counter, 'count', this.count(counter) + sum);
      this.k.space.store32(at, isLarge ? 0 : Number(sum));
    },
    percpu_counter_sync: (counter: Ptr) => {
      const at = this.part(counter);
      this.type.setBig(counter, 'count', this.sum(counter));
      this.k.space.store32(at, 0);
    },
    __percpu_counter_sum: (counter: Ptr) => this.sum(counter),
    __percpu_counter_compare: (counter: Ptr, other: bigint) => {
      const sum = this.sum(counter);
      return sum > other ? 1 : sum < other ? -1 : 0;
    },
  };

  readonly signatures = {
    __percpu_counter_init: 'i:pqup',
    __percpu_counter_init_many: 'i:pquup',
    percpu_counter_set: 'v:pq',
    percpu_counter_add_batch: 'v:pqi',
    __percpu_counter_sum: 'q:p',
    __percpu_counter_compare: 'i:pqi',
  };

  readonly data = { percpu_counter_batch: (at: Ptr) => this.k.space.store32(at, BATCH) };

  private part(counter: Ptr): Ptr {
    return this.k.percpu.deref(this.type.get(counter, 'counters'));
  }

  private count(counter: Ptr): bigint {
    return BigInt.asIntN(64, this.type.getBig(counter, 'count'));
  }

  private sum(counter: Ptr): bigint {
    return this.count(counter) + BigInt(this.k.space.loadInt32(this.part(counter)));
  }

  /** An array of counters; the parts of all CPUs are one allocation, which the first one holds. */
  private init(counters: Ptr, amount: bigint, count: number): number {
    const { k, type } = this;
    const parts = k.percpu.allocate(PART_BYTES * count, PART_BYTES);
    if (parts === 0) {
      type.set(counters, 'counters', 0);
      return -ENOMEM;
    }
    for (let i = 0; i < count; i++) {
      const counter = counters + i * type.size;
      k.space.writable(counter, type.size).fill(0);
      type.setBig(counter, 'count', amount);
      type.set(counter, 'counters', parts + i * PART_BYTES);
      if (type.has('list')) list.init(k.space, type.addr(counter, 'list'));
    }
    return 0;
  }

  private destroy(counters: Ptr, count: number): void {
    const { k, type } = this;
    const parts = type.get(counters, 'counters');
    if (parts !== 0) k.percpu.free(parts);
    for (let i = 0; i < count; i++) type.set(counters + i * type.size, 'counters', 0);
  }
}
