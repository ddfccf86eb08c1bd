import type { AddressSpace } from '../../cpu/address-space.js';
import type { Ptr } from '../../cpu/layout.js';
import type { Slab } from './slab.js';

/** What guest code did, and the object with its surroundings. */
export interface BadAccess {
  readonly kind: 'use-after-free' | 'out-of-bounds';
  readonly text: string;
  readonly start: Ptr;
  readonly bytes: number;
}

/** Code as reports name it, at the time when allocation number `serial` was made. */
export type NameOfCode = (address: Ptr, serial: number) => string;

/**
 * Accesses to memory of the slab allocator that is none of guest code's business: what was freed, or lies beyond an object. Each system
 * reports them its own way; which they are and what they are called is the same for all.
 */
export class SlabAccesses {
  /** Objects whose damage was reported when it was done, so that it is not found again. */
  private readonly written = new Set<Ptr>();

  constructor(
    private readonly space: AddressSpace,
    private readonly slab: Slab,
    private readonly nameOfCode: NameOfCode,
  ) {}

  /** What was accessed, in words. From then on all of the object may be used, so that each is told of once. */
  meet(at: Ptr, size: number, access: string): BadAccess {
    const found = this.describe(at, size, access);
    if (found) this.space.shadow.allow(found.start, found.bytes);
    this.allowWords(at, size);
    if (found) return found;
    const text = `BUG: ${access} of ${size} bytes of memory that is free`;
    return { kind: 'use-after-free', text, start: at, bytes: size };
  }

  /** The words that an access touches may be used from now on. */
  allowWords(at: Ptr, size: number): void {
    const start = at & ~7;
    this.space.shadow.allow(start, Math.ceil((at + size - start) / 8) * 8);
  }

  /** The first byte of a range that nobody may use, where it is checked at all. */
  firstBad(ptr: Ptr, bytes: number): Ptr | undefined {
    if (bytes <= 0 || !this.space.isWatched(ptr)) return undefined;
    return this.space.shadow.firstPoisoned(ptr, bytes);
  }

  /** Whether damage to an object was told of when it was done; it is forgotten with that. */
  takeWritten(object: Ptr): boolean {
    return this.written.delete(object);
  }

  /** Undefined for memory that is not the slab's. */
  private describe(at: Ptr, size: number, access: string): BadAccess | undefined {
    const place = this.slab.around(at);
    if (!place) return undefined;
    const { ptr, cache, allocation, freed, stride } = place;
    const what = `BUG ${cache}: ${access} of ${size} byte${size === 1 ? '' : 's'}`;
    if (access === 'write') this.written.add(ptr);
    const all = { start: ptr, bytes: stride };
    if (allocation) {
      const by = this.nameOfCode(allocation.caller, allocation.serial);
      const where = placeOf(at - ptr, allocation.size);
      const text = `${what} ${where} an object of ${allocation.size} bytes, allocated in ${by}`;
      return { kind: 'out-of-bounds', text, ...all };
    }
    const by = freed ? `, freed in ${this.nameOfCode(freed.caller, freed.serial)}` : '';
    const text = `${what}, ${at - ptr} bytes into an object that is free${by}`;
    return { kind: 'use-after-free', text, ...all };
  }
}

/** Where an access begins that is not wholly inside of an object of `size` bytes. */
function placeOf(offset: number, size: number): string {
  if (offset < 0) return `${-offset} bytes before`;
  if (offset < size) return 'across the end of';
  return offset === size ? 'right behind' : `${offset - size} bytes behind`;
}
