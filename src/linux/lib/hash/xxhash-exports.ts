import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { finishLanes, STRIPE, startLanes, takeStripes, xxh64 } from './xxhash.js';

const LANES = ['v1', 'v2', 'v3', 'v4'] as const;

/** XXH64 in one go and in pieces (include/linux/xxhash.h). */
export class Xxhash implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    xxh64: (ptr: Ptr, length: number, seed: bigint) => xxh64(this.k.space.readable(ptr, length), seed),
    xxh64_reset: (state: Ptr, seed: bigint) => {
      const { type } = this;
      this.k.space.writable(state, type.size).fill(0);
      this.setLanes(state, startLanes(seed));
    },
    xxh64_update: (state: Ptr, ptr: Ptr, length: number) => this.update(state, ptr, length),
    xxh64_digest: (state: Ptr) => {
      const { type } = this;
      const held = this.k.space.readable(type.addr(state, 'mem64'), type.get(state, 'memsize'));
      const lanes = this.lanes(state);
      return finishLanes(lanes, type.getBig(state, 'total_len'), lanes[2], held);
    },
  };

  readonly signatures = { xxh64: 'Q:pLQ', xxh64_reset: 'v:pQ', xxh64_digest: 'Q:p' };

  private get type(): StructType {
    return this.k.struct('xxh64_state');
  }

  private lanes(state: Ptr): bigint[] {
    return LANES.map((lane) => this.type.getBig(state, lane));
  }

  private setLanes(state: Ptr, lanes: readonly bigint[]): void {
    for (const [i, lane] of LANES.entries()) this.type.setBig(state, lane, lanes[i]);
  }

  private update(state: Ptr, ptr: Ptr, length: number): number {
    const { type } = this;
    const { space } = this.k;
    const memory = type.addr(state, 'mem64');
    const held = type.get(state, 'memsize');
    const bytes = new Uint8Array(held + length);
    bytes.set(space.readable(memory, held));
    bytes.set(space.readable(ptr, length), held);
    const lanes = this.lanes(state);
    const taken = takeStripes(lanes, bytes);
    this.setLanes(state, lanes);
    type.setBig(state, 'total_len', type.getBig(state, 'total_len') + BigInt(length));
    space.writable(memory, STRIPE).set(bytes.subarray(taken));
    type.set(state, 'memsize', bytes.length - taken);
    return 0;
  }
}
