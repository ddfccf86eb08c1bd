/** Finds NUL-terminated names among bytes by other such names in the same bytes, without making strings of them. */
export class NameTable {
  private readonly slots: Int32Array;
  private readonly mask: number;

  /** `expected` is how many names will be added. */
  constructor(
    private readonly bytes: Uint8Array,
    expected: number,
  ) {
    let size = 16;
    while (size < expected * 2) size *= 2;
    this.slots = new Int32Array(size).fill(-1);
    this.mask = size - 1;
  }

  /** `key` is what {@link find} gives for the name at `at`; the first of equal names stays. */
  add(at: number, key: number, keyOffset: (key: number) => number): void {
    const slot = this.slotOf(at, keyOffset);
    if (this.slots[slot] < 0) this.slots[slot] = key;
  }

  /** The key of the name that is equal to the one at `at`, or -1. */
  find(at: number, keyOffset: (key: number) => number): number {
    return this.slots[this.slotOf(at, keyOffset)];
  }

  /** Where a name is or would be. */
  private slotOf(at: number, keyOffset: (key: number) => number): number {
    let slot = this.hash(at) & this.mask;
    while (this.slots[slot] >= 0 && !this.equal(at, keyOffset(this.slots[slot])))
      slot = (slot + 1) & this.mask;
    return slot;
  }

  /** FNV-1a. */
  private hash(at: number): number {
    const { bytes } = this;
    let hash = 0x811c9dc5;
    for (let i = at; i < bytes.length && bytes[i] !== 0; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
    return hash ^ (hash >>> 15);
  }

  private equal(a: number, b: number): boolean {
    const { bytes } = this;
    for (; ; a++, b++) {
      // Past the end counts as the NUL that ends the name.
      const left = a < bytes.length ? bytes[a] : 0;
      if (left !== (b < bytes.length ? bytes[b] : 0)) return false;
      if (left === 0) return true;
    }
  }
}
