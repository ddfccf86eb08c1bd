/** A small repeatable generator (mulberry32). */
export class Random {
  constructor(private state: number) {}

  u32(): number {
    this.state = (this.state + 0x6d2b_79f5) >>> 0;
    let x = this.state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return (x ^ (x >>> 14)) >>> 0;
  }

  below(limit: number): number {
    return this.u32() % limit;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  /** A 64-bit value, often an edge case of some operand size. */
  value(): bigint {
    switch (this.below(4)) {
      case 0:
        return this.u64();
      case 1:
        return BigInt(this.below(300));
      case 2:
        return BigInt.asUintN(64, -BigInt(this.below(300)));
      default:
        return this.pick(EDGES);
    }
  }
}

const EDGES = [
  0n,
  1n,
  0xffff_ffff_ffff_ffffn,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0x8000_8000_8080_8080n,
  0x5555_5555_5555_5555n,
];
