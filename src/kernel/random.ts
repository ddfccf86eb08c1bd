/** xorshift64*: the machine's only source of chance, so that a seed decides everything. */
export class Random {
  private state: bigint;

  constructor(seed: number | bigint) {
    this.state = BigInt.asUintN(64, BigInt(seed) * 0x9e37_79b9_7f4a_7c15n + 0x2545_f491_4f6c_dd1dn) || 1n;
  }

  /** 64 random bits. */
  next64(): bigint {
    let x = this.state;
    x ^= x >> 12n;
    x = BigInt.asUintN(64, x ^ (x << 25n));
    x ^= x >> 27n;
    this.state = x;
    return BigInt.asUintN(64, x * 0x2545_f491_4f6c_dd1dn);
  }

  /** 32 random bits, unsigned. */
  next32(): number {
    return Number(this.next64() >> 32n);
  }

  /** A number from 0 to limit - 1. */
  below(limit: number): number {
    return this.next32() % limit;
  }
}
