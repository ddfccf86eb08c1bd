import type { Ptr } from '../../cpu/layout.js';
import { nothing } from '../../kernel/abi/fidelity.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** random(9) and arc4random(9): the machine's one source of chance. */
export class RandomNumbers implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  // No source of entropy is harvested.
  readonly data = { hc_source_mask: () => {} };

  readonly exports = {
    arc4random: () => this.word(),
    arc4random_uniform: (below: number) => (below < 2 ? 0 : this.word() % below),
    arc4rand: (to: Ptr, bytes: number) => this.fill(to, bytes),
    arc4random_buf: (to: Ptr, bytes: number) => this.fill(to, bytes),
    random: () => BigInt(this.word() & 0x7fff_ffff),
    prng32: () => this.word(),
    prng32_bounded: (below: number) => (below === 0 ? 0 : this.word() % below),
    prng64: () => this.k.random.next64(),
    read_random: (to: Ptr, bytes: number) => {
      this.fill(to, bytes);
      return bytes;
    },
    is_random_seeded: () => true,
    random_harvest_queue_: nothing('entropy that drivers find is not wanted', undefined),
    random_harvest_fast_: nothing('entropy that drivers find is not wanted', undefined),
    random_harvest_direct_: nothing('entropy that drivers find is not wanted', undefined),
    random_harvest_register_source: nothing('entropy that drivers find is not wanted', undefined),
    random_harvest_deregister_source: nothing('entropy that drivers find is not wanted', undefined),
    random_source_register: nothing('sources of entropy are not asked', undefined),
    random_source_deregister: nothing('sources of entropy are not asked', undefined),
  };

  readonly signatures = {
    random: 'Q:',
    prng32_bounded: 'u:u',
    prng64: 'Q:',
    random_harvest_queue_: 'v:pii',
    random_harvest_fast_: 'v:pi',
    random_harvest_direct_: 'v:pii',
    random_source_register: 'v:p',
    random_source_deregister: 'v:p',
  };

  private word(): number {
    return Number(this.k.random.next64() & 0xffff_ffffn);
  }

  private fill(to: Ptr, bytes: number): void {
    const out = this.k.space.writable(to, bytes);
    for (let i = 0; i < bytes; i++) out[i] = this.word() & 0xff;
  }
}
