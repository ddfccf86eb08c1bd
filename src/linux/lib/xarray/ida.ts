import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import { INT_MAX } from '../../abi/limits.js';
import { ENOMEM, ENOSPC } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { errorEntry, isValue } from './entry.js';
import type { XArray } from './x-array.js';
import { XArrays } from './xarray.js';

const BITMAP_BITS = 1024;
const ALL = (1n << BigInt(BITMAP_BITS)) - 1n;
/** Bits of an entry that is a value. */
const VALUE_BITS = 63n;

const LONG_MASK = (1n << 64n) - 1n;
const lowestBit = (bits: bigint): number => {
  const low = Number(bits & 0xffff_ffffn);
  if (low !== 0) return 31 - Math.clz32(low & -low);
  const high = Number(bits >> 32n);
  return 63 - Math.clz32(high & -high);
};

/**
 * Integer IDs (Documentation/core-api/idr.rst): an XArray of bitmaps of 1024 IDs each. A bitmap that fits in a
 * value entry is one.
 */
export class Ida implements Subsystem {
  private readonly type: StructType;
  private readonly bitmapBytes: number;
  private readonly full = new Map<Ptr, number>();

  constructor(private readonly k: LinuxKernel) {
    this.type = k.struct('ida');
    this.bitmapBytes = k.struct('ida_bitmap').size;
  }

  readonly exports = {
    ida_alloc_range: (ida: Ptr, min: number, max: number) => {
      if (min > INT_MAX) return -ENOSPC;
      return this.allocate(this.type.addr(ida, 'xa'), min, Math.min(max, INT_MAX));
    },
    ida_free: (ida: Ptr, id: number) => {
      if (id < 0 || id > INT_MAX) return;
      if (!this.release(this.type.addr(ida, 'xa'), id))
        warn(this.k, `ida_free called for id=${id | 0} which is not allocated.`, 'lib/idr.c:527', 'ida_free');
    },
    ida_destroy: (ida: Ptr) => {
      const xa = this.type.addr(ida, 'xa');
      for (let at = 0n; ; ) {
        const found = this.arrays.find(xa, at, BigInt(INT_MAX), 8);
        if (!found) break;
        if (!isValue(found.entry)) this.k.slab.free(this.k.space.fromAddress(found.entry));
        at = found.index + 1n;
      }
      this.full.delete(xa);
      this.arrays.destroy(xa);
    },
  };

  private get arrays(): XArray {
    return this.k.get(XArrays).arrays;
  }

  private allocate(xa: Ptr, min: number, max: number): number {
    const last = Math.floor(max / BITMAP_BITS);
    const first = Math.floor(min / BITMAP_BITS);
    const full = this.fullChunks(xa);
    for (let chunk = Math.max(first, full); chunk <= last; chunk++) {
      const bit = this.freeBit(xa, chunk, Math.max(min - chunk * BITMAP_BITS, 0));
      if (bit < 0) {
        if (chunk === this.fullChunks(xa) && this.load(xa, chunk) === ALL) this.full.set(xa, chunk + 1);
        continue;
      }
      const id = chunk * BITMAP_BITS + bit;
      if (id > max) break;
      return this.take(xa, chunk, bit) ? id : -ENOMEM;
    }
    return -ENOSPC;
  }

  /** All chunks below this are full. Where the last of them is not there, an IDA was started anew in the same memory. */
  private fullChunks(xa: Ptr): number {
    const full = this.full.get(xa) ?? 0;
    if (full === 0 || this.arrays.load(xa, BigInt(full - 1)) !== 0n) return full;
    this.full.delete(xa);
    return 0;
  }

  /** The first free bit of a chunk from `from` on, -1 if there is none. */
  private freeBit(xa: Ptr, chunk: number, from: number): number {
    const entry = this.arrays.load(xa, BigInt(chunk));
    const inEntry = entry === 0n || isValue(entry);
    for (let word = from >>> 6; word < BITMAP_BITS / 64; word++) {
      const bits = inEntry
        ? BigInt.asUintN(64, (entry >> 1n) >> BigInt(64 * word))
        : this.k.space.load64(this.k.space.fromAddress(entry) + 8 * word);
      const skip = word === from >>> 6 ? BigInt(from & 63) : 0n;
      const free = ((~bits & LONG_MASK) >> skip) << skip;
      if (free !== 0n) return 64 * word + lowestBit(free);
    }
    return -1;
  }

  private take(xa: Ptr, chunk: number, bit: number): boolean {
    const entry = this.arrays.load(xa, BigInt(chunk));
    if (entry === 0n || isValue(entry)) return this.store(xa, chunk, (entry >> 1n) | (1n << BigInt(bit)));
    const word = this.k.space.fromAddress(entry) + 8 * (bit >>> 6);
    this.k.space.store64(word, this.k.space.load64(word) | (1n << BigInt(bit & 63)));
    return true;
  }

  private release(xa: Ptr, id: number): boolean {
    const chunk = Math.floor(id / BITMAP_BITS);
    const bit = 1n << BigInt(id % BITMAP_BITS);
    const bits = this.load(xa, chunk);
    if (!(bits & bit)) return false;
    if (chunk < (this.full.get(xa) ?? 0)) this.full.set(xa, chunk);
    return this.store(xa, chunk, bits & ~bit);
  }

  private load(xa: Ptr, chunk: number): bigint {
    const entry = this.arrays.load(xa, BigInt(chunk));
    if (entry === 0n || isValue(entry)) return entry >> 1n;
    const words = this.k.space.fromAddress(entry);
    let bits = 0n;
    for (let at = this.bitmapBytes - 8; at >= 0; at -= 8)
      bits = (bits << 64n) | this.k.space.load64(words + at);
    return bits;
  }

  /** A value entry while the bits fit and no bitmap was needed yet. */
  private store(xa: Ptr, chunk: number, bits: bigint): boolean {
    const { arrays, k } = this;
    const index = BigInt(chunk);
    const old = arrays.load(xa, index);
    let bitmap = old !== 0n && !isValue(old) ? k.space.fromAddress(old) : 0;
    if (bits === 0n) {
      arrays.erase(xa, index);
      if (bitmap !== 0) k.slab.free(bitmap);
      return true;
    }
    if (bitmap === 0 && bits < 1n << VALUE_BITS)
      return arrays.put(xa, index, (bits << 1n) | 1n) !== errorEntry(ENOMEM);
    if (bitmap === 0) {
      bitmap = k.slab.allocateBytes(this.bitmapBytes, true);
      if (bitmap === 0) return false;
      if (arrays.put(xa, index, k.space.toAddress(bitmap)) === errorEntry(ENOMEM)) {
        k.slab.free(bitmap);
        return false;
      }
    }
    for (let at = 0; at < this.bitmapBytes; at += 8)
      k.space.store64(bitmap + at, BigInt.asUintN(64, bits >> BigInt(8 * at)));
    return true;
  }
}
