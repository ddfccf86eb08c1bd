import type { ElfFile } from '../../src/formats/elf/index.js';

/** Numbers that a module's code compares with: what could be in a register that it looks at. */
export interface Compared {
  readonly bytes: readonly number[];
  readonly words: readonly number[];
  readonly longs: readonly number[];
}

const EXECUTABLE = 4;
const ALLOCATED = 2;
const WITHOUT_CONTENT = 8;
/** Numbers of 16 bits that are taken from data. */
const MOST_WORDS = 700;

/**
 * What modules compare with. Operands of `cmp` and `sub` (which switches compile to), by opcode and the extension in ModRM: every place is tried as an
 * instruction's beginning, and more is found than there is. Of data, members of four bytes with small numbers: tables of chips.
 */
export function comparedIn(modules: readonly ElfFile[]): Compared {
  const found: Found = { bytes: new Set(), words: new Set(), longs: new Set() };
  for (const elf of modules)
    for (const { type, flags, offset, size } of elf.sections) {
      const content = elf.bytes.subarray(offset, offset + size);
      if (type === WITHOUT_CONTENT || (flags & ALLOCATED) === 0) continue;
      if (flags & EXECUTABLE) scan(content, found);
      else tables(content, found.words);
    }
  return { bytes: [...found.bytes], words: [...found.words], longs: [...found.longs] };
}

function tables(content: Uint8Array, words: Set<number>): void {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  for (let at = 0; at + 4 <= content.length && words.size < MOST_WORDS; at += 4) {
    const value = view.getUint32(at, true);
    if (value > 0 && value <= 0xffff) words.add(value);
  }
}

const CMP = 7;
const SUB = 5;

interface Found {
  readonly bytes: Set<number>;
  readonly words: Set<number>;
  readonly longs: Set<number>;
}

function scan(code: Uint8Array, { bytes, words, longs }: Found): void {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const note = (value: number): void => {
    if (value >= 0 && value <= 0xff) bytes.add(value);
    if (value >= 0 && value <= 0xffff) words.add(value);
    else longs.add(value >>> 0);
  };
  for (let at = 0; at + 8 < code.length; at++) {
    const opcode = code[at];
    if (opcode === 0x3c) note(code[at + 1]);
    else if (opcode === 0x3d) {
      note(view.getInt32(at + 1, true));
      if (code[at - 1] === 0x66) note(view.getUint16(at + 1, true));
    } else if (opcode === 0x80 || opcode === 0x81 || opcode === 0x83) {
      const modrm = code[at + 1];
      const extension = (modrm >> 3) & 7;
      if ((extension !== CMP && extension !== SUB) || modrm < 0x40) continue;
      // Behind ModRM: nothing, or a displacement of a byte.
      const operand = at + (modrm >= 0xc0 ? 2 : 3);
      if (opcode === 0x81) {
        note(view.getInt32(operand, true));
        if (code[at - 1] === 0x66) note(view.getUint16(operand, true));
      } else note(code[operand]);
    }
  }
}
