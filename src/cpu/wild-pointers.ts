import type { Ptr } from './layout.js';

/** Pointers from here on stand for addresses outside every region; see AddressSpace.fromAddress. */
export const WILD_BASE = 2 ** 32;
/** How many different ones are remembered: the oldest give way, so that guest code cannot fill the host's memory with them. */
const LIMIT = 1 << 16;
/** What a pointer converts to whose address had to give way: not canonical, so that nothing can be there. */
const FORGOTTEN = 0x8000_dead_dead_deadn;

/** Addresses in no region, each with a number that stands for it and converts back. */
export class WildPointers {
  private readonly byAddress = new Map<bigint, Ptr>();
  private readonly ring: bigint[] = [];
  private count = 0;

  of(address: bigint): Ptr {
    const known = this.byAddress.get(address);
    if (known !== undefined) return known;
    const ptr = WILD_BASE + this.count;
    const place = this.count++ % LIMIT;
    const forgotten = this.ring[place];
    if (forgotten !== undefined) this.byAddress.delete(forgotten);
    this.ring[place] = address;
    this.byAddress.set(address, ptr);
    return ptr;
  }

  addressOf(ptr: Ptr): bigint {
    const number = ptr - WILD_BASE;
    const remembered = number < this.count && number >= this.count - LIMIT;
    return (remembered ? this.ring[number % LIMIT] : undefined) ?? FORGOTTEN;
  }
}
