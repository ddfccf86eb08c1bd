import type { ElfFile } from '../../formats/elf/index.js';
import { decodeUtf8 } from '../../formats/string-table.js';

/**
 * The symbol table that a kernel carries for itself (kernel/kallsyms.c, written by scripts/kallsyms.c). A
 * stripped vmlinux does not say where it is, so it is found by its shape. Each piece is aligned to 8 bytes:
 *
 *     [offsets | relative_base] | num_syms | names | markers | [seqs_of_names] | token_table | token_index | ...
 *
 * Offsets and base stand in front up to Linux 6.3 and at the end since 6.4; seqs_of_names, three bytes a
 * symbol, is in the middle in 6.2, 6.3 and late 6.1, elsewhere before and after.
 */
export interface KallsymsTable {
  readonly names: readonly string[];
  /** nm letters, one character a symbol. */
  readonly types: string;
  readonly addresses: BigUint64Array;
}

/** Markers give the place of every 256th name. */
const MARKER_STRIDE = 256;
/** No kernel has fewer or more symbols. */
const MIN_SYMBOLS = 2000;
const MAX_SYMBOLS = 2_000_000;
/** KSYM_NAME_LEN is 512, and a token stands for at least one character. */
const MAX_NAME = 512;

export function readKallsyms(elf: ElfFile): KallsymsTable | undefined {
  for (const section of elf.sections) {
    if (section.data.length < 0x10000 || !/^\.(init\.)?(rodata|data)/.test(section.name)) continue;
    const table = new KallsymsReader(section.data).read();
    if (table !== undefined) return table;
  }
  return undefined;
}

class KallsymsReader {
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  read(): KallsymsTable | undefined {
    for (let countAt = 0; countAt + 16 < this.bytes.length; countAt += 8) {
      const count = this.view.getUint32(countAt, true);
      if (count < MIN_SYMBOLS || count > MAX_SYMBOLS || this.view.getUint32(countAt + 4, true) !== 0)
        continue;
      const table = this.tableAt(countAt, count);
      if (table !== undefined) return table;
    }
    return undefined;
  }

  private tableAt(countAt: number, count: number): KallsymsTable | undefined {
    const markersAt = this.namesEnd(countAt + 8, count);
    if (markersAt === undefined || !this.markersMatch(countAt + 8, count, markersAt)) return undefined;
    const afterMarkers = align8(markersAt + Math.ceil(count / MARKER_STRIDE) * 4);
    const tokens = this.readTokens(afterMarkers) ?? this.readTokens(align8(afterMarkers + count * 3));
    if (tokens === undefined) return undefined;
    const addresses = this.readAddresses(countAt, count, tokens.indexEnd);
    return addresses && { ...this.readNames(countAt + 8, count, tokens.texts), addresses };
  }

  /** Where the markers are if `count` names begin at `at`; undefined where those are no names. */
  private namesEnd(at: number, count: number): number | undefined {
    let pos = at;
    for (let i = 0; i < count; i++) {
      const length = this.nameLength(pos);
      if (length === 0 || length > MAX_NAME || pos + length >= this.bytes.length) return undefined;
      pos += length < 0x80 ? length + 1 : length + 2;
    }
    return align8(pos);
  }

  /** A length of 128 and more takes two bytes, the first with its top bit set. */
  private nameLength(pos: number): number {
    const low = this.bytes[pos];
    return low < 0x80 ? low : (low & 0x7f) | (this.bytes[pos + 1] << 7);
  }

  private markersMatch(namesAt: number, count: number, markersAt: number): boolean {
    let pos = namesAt;
    for (let i = 0; i < count; i++) {
      if (i % MARKER_STRIDE === 0) {
        const at = markersAt + (i / MARKER_STRIDE) * 4;
        if (at + 4 > this.bytes.length || this.view.getUint32(at, true) !== pos - namesAt) return false;
      }
      const length = this.nameLength(pos);
      pos += length < 0x80 ? length + 1 : length + 2;
    }
    return true;
  }

  private readTokens(tokensAt: number): { texts: string[]; indexEnd: number } | undefined {
    const texts: string[] = [];
    const offsets: number[] = [];
    let at = tokensAt;
    for (let token = 0; token < 256; token++) {
      const end = this.bytes.indexOf(0, at);
      if (end < 0 || end - at > 64) return undefined;
      offsets.push(at - tokensAt);
      texts.push(decodeUtf8(this.bytes.subarray(at, end)));
      at = end + 1;
    }
    const indexAt = align8(at);
    if (indexAt + 512 > this.bytes.length) return undefined;
    const matches = offsets.every(
      (offset, token) => this.view.getUint16(indexAt + token * 2, true) === offset,
    );
    return matches ? { texts, indexEnd: align8(indexAt + 512) } : undefined;
  }

  /** Each name is a length and that many token numbers; the first letter of the text is the type. */
  private readNames(
    at: number,
    count: number,
    tokens: readonly string[],
  ): { names: string[]; types: string } {
    const names: string[] = new Array(count);
    let types = '';
    let pos = at;
    for (let i = 0; i < count; i++) {
      const length = this.nameLength(pos);
      pos += length < 0x80 ? 1 : 2;
      let text = '';
      for (const end = pos + length; pos < end; pos++) text += tokens[this.bytes[pos]];
      names[i] = text.slice(1);
      types += text[0];
    }
    return { names, types };
  }

  private readAddresses(countAt: number, count: number, indexEnd: number): BigUint64Array | undefined {
    const size = align8(count * 4);
    return (
      this.addressesAt(countAt - 8 - size, countAt - 8, count) ??
      this.addressesAt(indexEnd, indexEnd + size, count)
    );
  }

  /**
   * CONFIG_KALLSYMS_BASE_RELATIVE: 32-bit offsets. With ABSOLUTE_PERCPU (all SMP x86-64 kernels up to 6.14)
   * one that is not negative is an absolute address, the others count down from below the base.
   */
  private addressesAt(offsetsAt: number, baseAt: number, count: number): BigUint64Array | undefined {
    if (offsetsAt < 0 || baseAt + 8 > this.bytes.length) return undefined;
    const base = this.view.getBigUint64(baseAt, true);
    if (base < 0xffffffff80000000n) return undefined;
    const addresses = new BigUint64Array(count);
    const absolutePercpu = this.view.getInt32(offsetsAt + (count - 1) * 4, true) < 0;
    for (let i = 0; i < count; i++) {
      const at = offsetsAt + i * 4;
      if (absolutePercpu) {
        const offset = this.view.getInt32(at, true);
        addresses[i] = offset >= 0 ? BigInt(offset) : base - 1n - BigInt(offset);
      } else {
        addresses[i] = base + BigInt(this.view.getUint32(at, true));
      }
    }
    return addresses;
  }
}

function align8(value: number): number {
  return (value + 7) & ~7;
}
