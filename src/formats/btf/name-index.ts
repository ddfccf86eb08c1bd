import type { BtfRecords } from './records.js';

/** Hashing stops here, so that hostile strings cannot make it slow; comparing does not. */
const HASHED_BYTES = 64;

/**
 * From a name to the entries that bear it, in ascending order. Built over the bytes of the string section,
 * so that not one of some hundred thousand names has to become a JavaScript string.
 */
export class NameIndex {
  private readonly heads: Int32Array;
  private readonly next: Int32Array;
  private readonly mask: number;

  /** @param nameOffsets the name of each entry as its records give it, 0 for none. */
  constructor(
    private readonly records: BtfRecords,
    private readonly nameOffsets: Uint32Array,
  ) {
    let size = 16;
    while (size < nameOffsets.length) size *= 2;
    this.mask = size - 1;
    this.heads = new Int32Array(size).fill(-1);
    this.next = new Int32Array(nameOffsets.length);
    const { heads, next, mask } = this;
    const { stringBytes, stringBase } = records;
    for (let entry = nameOffsets.length - 1; entry >= 0; entry--) {
      const offset = nameOffsets[entry];
      if (offset === 0) continue;
      const hash =
        offset >= stringBase ? hashBytes(stringBytes, offset - stringBase) : this.hashInBase(offset);
      next[entry] = heads[hash & mask];
      heads[hash & mask] = entry;
    }
  }

  private hashInBase(offset: number): number {
    const owner = this.records.stringOwner(offset);
    return hashBytes(owner.stringBytes, offset - owner.stringBase);
  }

  /** The entries of that name. */
  find(name: string): number[] {
    const found: number[] = [];
    const wanted = utf8.encode(name);
    for (let entry = this.heads[hashBytes(wanted, 0) & this.mask]; entry >= 0; entry = this.next[entry]) {
      const owner = this.records.stringOwner(this.nameOffsets[entry]);
      if (sameName(owner.stringBytes, this.nameOffsets[entry] - owner.stringBase, wanted)) found.push(entry);
    }
    return found;
  }
}

const utf8 = new TextEncoder();

/** FNV-1a up to the NUL, the end or the limit. */
function hashBytes(bytes: Uint8Array, offset: number): number {
  let hash = 0x811c9dc5;
  const end = Math.min(offset + HASHED_BYTES, bytes.length);
  for (let at = offset; at < end; at++) {
    const byte = bytes[at];
    if (byte === 0) break;
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash ^ (hash >>> 15);
}

function sameName(bytes: Uint8Array, offset: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) {
    if (bytes[offset + i] !== wanted[i]) return false;
  }
  return bytes[offset + wanted.length] === 0;
}
