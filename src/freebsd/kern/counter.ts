import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Uma } from './uma.js';

/** Bytes of a counter, which is of pcpu_zone_8. */
const COUNTER_BYTES = 8;
/** pcpu_zone_4 to pcpu_zone_64: zones of items that there is one of for each CPU. */
const ZONE_BYTES = [4, 8, 16, 32, 64];
/** EARLY_COUNTER: the dummy in struct pcpu that counters are before they are allocated. */
const EARLY = 'pc_early_dummy_counter';

/** counter(9) (sys/kern/subr_counter.c): modules add by themselves, at the counter's offset from the CPU's struct pcpu. */
export class Counters implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    counter_u64_alloc: (flags: number) => this.alloc(flags),
    counter_u64_free: (counter: bigint) => this.free(counter),
    counter_u64_zero: (counter: bigint) => this.k.space.store64(this.at(counter), 0n),
    counter_u64_fetch: (counter: bigint) => this.fetch(counter),
    counter_u64_sysinit: (counter: Ptr) => this.sysinit(counter),
    counter_u64_sysuninit: (counter: Ptr) => this.sysuninit(counter),
    counter_ratecheck: (rate: Ptr, limit: bigint) => this.ratecheck(rate, limit),
  };

  readonly signatures = {
    counter_u64_alloc: 'Q:i',
    counter_u64_free: 'v:Q',
    counter_u64_zero: 'v:Q',
    counter_u64_fetch: 'Q:Q',
    counter_ratecheck: 'q:pq',
  };

  readonly data = Object.fromEntries(
    ZONE_BYTES.map((bytes) => [
      `pcpu_zone_${bytes}`,
      (at: Ptr) => this.k.space.storePtr(at, this.makeZone(bytes)),
    ]),
  );

  private makeZone(bytes: number): Ptr {
    const none = { ctor: 0, dtor: 0, init: 0, fini: 0 };
    return this.k.get(Uma).create(`pcpu-${bytes}`, bytes, none, COUNTER_BYTES - 1, 0);
  }

  private get zone(): Ptr {
    return this.k.space.loadPtr(this.k.variable('pcpu_zone_8'));
  }

  *alloc(flags: number): Sleepable<bigint> {
    return yield* this.k.get(Uma).allocPerCpu(this.zone, 0, flags | this.k.macro('M_ZERO'));
  }

  *free(counter: bigint): Sleepable<void> {
    if (counter === 0n) return;
    yield* this.k.get(Uma).freePerCpu(this.zone, counter, 0);
  }

  /** Where the only CPU has its part of it. */
  at(counter: bigint): Ptr {
    const { space, processes } = this.k;
    return space.fromAddress(BigInt.asUintN(64, counter + space.toAddress(processes.pcpuAt)));
  }

  fetch(counter: bigint): bigint {
    return this.k.space.load64(this.at(counter));
  }

  add(counter: bigint, count: bigint): void {
    const at = this.at(counter);
    this.k.space.store64(at, BigInt.asUintN(64, this.k.space.load64(at) + count));
  }

  private *sysinit(counter: Ptr): Sleepable<void> {
    this.k.space.store64(counter, yield* this.alloc(this.k.macro('M_WAITOK')));
  }

  private *sysuninit(counter: Ptr): Sleepable<void> {
    const { k } = this;
    yield* this.free(k.space.load64(counter));
    k.space.store64(counter, BigInt(k.struct('pcpu').offsetOf(EARLY)));
  }

  /** What came beyond the limit in the second that is over, 0 while it is kept, -1 from when it is not. */
  private ratecheck(rate: Ptr, limit: bigint): bigint {
    const { k } = this;
    const type = k.struct('counter_rate');
    const hz = k.space.load32(k.variable('hz'));
    const ticks = Math.floor(k.now() / (1e9 / hz)) | 0;
    const counter = type.getBig(rate, 'cr_rate');
    let result = BigInt(type.get(rate, 'cr_over'));
    if (ticks - type.get(rate, 'cr_ticks') >= hz) {
      const count = this.fetch(counter);
      result = count > limit ? count : 0n;
      k.space.store64(this.at(counter), 0n);
      type.set(rate, 'cr_over', 0);
      type.set(rate, 'cr_ticks', ticks);
    }
    this.add(counter, 1n);
    if (type.get(rate, 'cr_over') !== 0) return -1n;
    if (this.fetch(counter) <= limit) return result;
    type.set(rate, 'cr_over', -1);
    return -1n;
  }
}
