/** How far before a struct its set reaches: what it is part of may begin there. */
const BEFORE = 4096;
/** How far after its beginning. */
const AFTER = 32_768;

/** Sets of bits of structs, and of what lies round them. */
export class StructBits {
  private readonly structs = new Map<string, Uint8Array>();

  /** `bits`: which of a single byte; of more than one all count. */
  add(struct: string, offset: number, size: number, bits: number): void {
    const start = BEFORE + offset;
    if (start < 0 || offset + size > AFTER) return;
    let mask = this.structs.get(struct);
    if (!mask || mask.length < start + size) {
      const grown = new Uint8Array(Math.max(start + size, (mask?.length ?? 0) * 2));
      if (mask) grown.set(mask);
      mask = grown;
      this.structs.set(struct, mask);
    }
    for (let at = start; at < start + size; at++) mask[at] |= size === 1 ? bits : 0xff;
  }

  /** The bits of a byte that are in the set. */
  at(struct: string, offset: number): number {
    return this.structs.get(struct)?.[BEFORE + offset] ?? 0;
  }
}
