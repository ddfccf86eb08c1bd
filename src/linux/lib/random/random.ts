import type { Ptr } from '../../../cpu/layout.js';
import { constant, nothing } from '../../../kernel/abi/fidelity.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { UUID_BYTES } from '../vsprintf/bytes.js';

/** Random numbers, all from the machine's seed (include/linux/random.h, include/linux/prandom.h). */
export class RandomNumbers implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    get_random_bytes: (buf: Ptr, length: number) => this.fill(buf, length),
    get_random_u64: () => this.k.random.next64(),
    get_random_u32: () => this.k.random.next32(),
    get_random_u16: () => this.k.random.next32() & 0xffff,
    get_random_u8: () => this.k.random.next32() & 0xff,
    __get_random_u32_below: (limit: number) => (limit <= 1 ? 0 : this.k.random.below(limit)),
    wait_for_random_bytes: constant(0),
    rng_is_initialized: constant(true),
    add_device_randomness: nothing('the generator is a seeded one: entropy is not taken', undefined),
    add_input_randomness: nothing('the generator is a seeded one: entropy is not taken', undefined),
    add_interrupt_randomness: nothing('the generator is a seeded one: entropy is not taken', undefined),
    add_disk_randomness: nothing('the generator is a seeded one: entropy is not taken', undefined),
    prandom_bytes_state: (state: Ptr, buf: Ptr, length: number) => {
      for (let at = 0; at < length; at += 4) {
        const word = this.step(state);
        for (let i = 0; i < Math.min(4, length - at); i++)
          this.k.space.store8(buf + at + i, (word >>> (8 * i)) & 0xff);
      }
    },
    prandom_u32_state: (state: Ptr) => this.step(state),
    prandom_seed_full_state: (perCpu: Ptr) => {
      const state = this.k.percpu.deref(perCpu);
      for (const [i, least] of [2, 8, 16, 128].entries()) {
        const seed = this.k.random.next32();
        this.k.space.store32(state + 4 * i, seed < least ? seed + least : seed);
      }
      for (let i = 0; i < 10; i++) this.step(state);
    },
    generate_random_uuid: (uuid: Ptr) => this.uuid(uuid, 6, 8),
    generate_random_guid: (guid: Ptr) => this.uuid(guid, 7, 8),
    uuid_gen: (uuid: Ptr) => this.uuid(uuid, 6, 8),
    guid_gen: (guid: Ptr) => this.uuid(guid, 7, 8),
  };

  private fill(buf: Ptr, length: number): void {
    const out = this.k.space.writable(buf, length);
    for (let at = 0; at < length; at += 8) {
      let word = this.k.random.next64();
      for (let i = at; i < Math.min(at + 8, length); i++) {
        out[i] = Number(word & 0xffn);
        word >>= 8n;
      }
    }
  }

  /** A version 4 (random) UUID (RFC 4122, 4.4): version and variant bits at the given bytes. */
  private uuid(at: Ptr, version: number, variant: number): void {
    this.fill(at, UUID_BYTES);
    const bytes = this.k.space.writable(at, UUID_BYTES);
    bytes[version] = (bytes[version] & 0x0f) | 0x40;
    bytes[variant] = (bytes[variant] & 0x3f) | 0x80;
  }

  /** One step of taus113 (L'Ecuyer, "Tables of maximally-equidistributed combined LFSR generators"). */
  private step(state: Ptr): number {
    const { space } = this.k;
    const turn = (at: Ptr, a: number, b: number, mask: number, shift: number): number => {
      const s = space.load32(at);
      const next = ((s & mask) << shift) ^ (((s << a) ^ s) >>> b);
      space.store32(at, next);
      return next;
    };
    const s1 = turn(state, 6, 13, 0xffff_fffe, 18);
    const s2 = turn(state + 4, 2, 27, 0xffff_fff8, 2);
    const s3 = turn(state + 8, 13, 21, 0xffff_fff0, 7);
    const s4 = turn(state + 12, 3, 12, 0xffff_ff80, 13);
    return (s1 ^ s2 ^ s3 ^ s4) >>> 0;
  }
}
