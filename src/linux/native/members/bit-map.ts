import { decodeUtf8 } from '../../../formats/string-table.js';

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

  /** As `encode` made it of a set. */
  static decode(bytes: Uint8Array): StructBits {
    const bits = new StructBits();
    const stored = JSON.parse(decodeUtf8(bytes)) as Readonly<Record<string, readonly [number, string][]>>;
    for (const [struct, runs] of Object.entries(stored))
      for (const [start, hex] of runs)
        for (let i = 0; i < hex.length; i += 2)
          bits.add(struct, start + i / 2, 1, Number.parseInt(hex.slice(i, i + 2), 16));
    return bits;
  }

  /** By struct: where bytes that are not 0 begin, and what they are, in hexadecimal. */
  encode(): Uint8Array {
    const stored: Record<string, [number, string][]> = {};
    for (const [struct, mask] of this.structs) {
      const runs: [number, string][] = [];
      let open: [number, string] | undefined;
      for (const [at, byte] of mask.entries()) {
        if (byte === 0) open = undefined;
        else {
          if (!open) {
            open = [at - BEFORE, ''];
            runs.push(open);
          }
          open[1] += byte.toString(16).padStart(2, '0');
        }
      }
      stored[struct] = runs;
    }
    return new TextEncoder().encode(JSON.stringify(stored));
  }

  /** The bits of a byte that are in the set. */
  at(struct: string, offset: number): number {
    return this.structs.get(struct)?.[BEFORE + offset] ?? 0;
  }
}
