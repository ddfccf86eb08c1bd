import { Decoder } from '../../cpu/decode/decoder.js';
import { type Insn, OP_INVALID, OP_UNIMPLEMENTED, type Operand } from '../../cpu/decode/instruction.js';
import { ByteReader } from '../../formats/byte-reader.js';
import { concat } from '../columns.js';
import { type ImageSection, sectionAt } from './kernel-image.js';

/** What a function does besides referring to addresses. */
export const PRIVILEGED = 1;
/** It calls what a register or memory holds. */
export const INDIRECT = 2;
/** Not all of its bytes are instructions that modbox knows. */
export const UNDECODED = 4;
/** It is what the compiler made of a part of another function, or of one with some arguments: `flush_work.part.0`, `foo.cold`. */
export const PART = 8;

/** Sections of code that runs at boot, or never. */
export const BOOT_CODE = /^\.(init|exit)\.text$/;

const PART_NAME = /\.(part|cold|isra|constprop|lto_priv)\b/;

/**
 * What the code of an image refers to, symbol by symbol. A *place* is an address that has a symbol; places are numbered in order of
 * address (lower halves; per-CPU variables, whose addresses are offsets, come first).
 */
export interface ReferenceTable {
  /** Addresses of the places, ascending. */
  readonly places: Uint32Array;
  /** PRIVILEGED, INDIRECT, UNDECODED, PART of each place's code. */
  readonly flags: Uint8Array;
  /** Place n refers to the places `targets[first[n]]` to before `targets[first[n + 1]]`, in ascending order. */
  readonly first: Uint32Array;
  readonly targets: Uint32Array;
}

/** The number of the place that an address is in: the last one at or below it; -1 below all. */
export function placeAt(places: Uint32Array, address: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (places[middle] <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * Instructions that a kernel handles its machine with, of those that are decoded: control and model-specific registers. Ports are as well
 * used by modules, and where nothing is there, they say so.
 */
const PRIVILEGED_OPS = new Set(
  'wrmsr rdmsr movtocr movfromcr clts hlt swapgs wrfsbase wrgsbase rdfsbase rdgsbase stgi'.split(' '),
);

/** A symbol of the image, of whose address the lower half is given. */
export interface ImageSymbol {
  readonly name: string;
  readonly address: number;
}

/** Where a CPU's own variables begin: who reads one of these makes pointers of the offsets of per-CPU variables. */
const PER_CPU_BASES = new Set(['this_cpu_off', '__per_cpu_offset']);

/** Finds what every function of the image refers to by disassembling it. */
export function findReferences(
  sections: readonly ImageSection[],
  contents: (section: ImageSection) => Uint8Array,
  symbols: readonly ImageSymbol[],
): ReferenceTable {
  const places = Uint32Array.from(new Set(symbols.map(({ address }) => address))).sort();
  const bases = symbols.filter(({ name }) => PER_CPU_BASES.has(name)).map(({ address }) => address);
  const hot = symbols.find(({ name }) => name === 'pcpu_hot');
  const finder = new Finder(places, sections, new Set(bases), hot ? placeAt(places, hot.address) : -1);
  finder.markParts(symbols);
  for (const section of sections) if (section.execute) finder.disassemble(section, contents(section));
  return finder.table();
}

class Finder {
  private readonly flags: Uint8Array;
  private readonly found: (Set<number> | undefined)[];
  /** Addresses below this are of per-CPU variables. */
  private readonly percpuEnd: number;
  /** Numbers in a place's code that may be offsets of per-CPU variables, and whether it makes pointers of such. */
  private readonly offsets = new Map<number, number[]>();
  private readonly makesPointers = new Set<number>();
  private readonly bootCode: readonly ImageSection[];
  private readonly imageStart: number;
  private readonly imageEnd: number;
  private place = -1;

  constructor(
    private readonly places: Uint32Array,
    sections: readonly ImageSection[],
    private readonly percpuBases: ReadonlySet<number>,
    /** The place of struct pcpu_hot, which begins with the running task and has counters behind it; -1 for none. */
    private readonly hot: number,
  ) {
    this.flags = new Uint8Array(places.length);
    this.found = new Array(places.length);
    const percpu = sectionAt(sections, 0);
    this.percpuEnd = percpu?.size ?? 0;
    this.bootCode = sections.filter(({ name }) => BOOT_CODE.test(name));
    const others = sections.filter((section) => section !== percpu);
    this.imageStart = Math.min(...others.map(({ address }) => address));
    this.imageEnd = Math.max(...others.map(({ address, size }) => address + size));
  }

  markParts(symbols: readonly ImageSymbol[]): void {
    for (const { name, address } of symbols)
      if (PART_NAME.test(name)) this.flags[placeAt(this.places, address)] |= PART;
  }

  disassemble({ address: base, size }: ImageSection, code: Uint8Array): void {
    const decoder = new Decoder(code, () => size);
    let next = placeAt(this.places, base);
    let end = this.places[next + 1] ?? base + size;
    this.place = next;
    for (let at = 0; at < size; ) {
      // Signed, as the decoder has addresses: the upper half is all ones.
      const insn = decoder.decode(at, base + at - 2 ** 32);
      this.look(insn);
      at += insn.length;
      // A symbol in the middle of what was taken for an instruction: data or padding came before it.
      while (base + at >= end) {
        at = Math.min(at, end - base);
        next++;
        this.place = next;
        end = this.places[next + 1] ?? base + size + 1;
      }
    }
  }

  table(): ReferenceTable {
    for (const place of this.makesPointers) {
      this.place = place;
      for (const target of this.offsets.get(place) ?? []) this.add(target);
    }
    const first = new Uint32Array(this.places.length + 1);
    const targets: number[] = [];
    for (let place = 0; place < this.places.length; place++) {
      targets.push(...[...(this.found[place] ?? [])].sort((a, b) => a - b));
      first[place + 1] = targets.length;
    }
    return { places: this.places, flags: this.flags, first, targets: Uint32Array.from(targets) };
  }

  private look(insn: Insn): void {
    const { op } = insn;
    if (op === OP_INVALID || op === OP_UNIMPLEMENTED) this.flag(UNDECODED);
    else if (PRIVILEGED_OPS.has(op)) this.flag(PRIVILEGED);
    else if (op === 'calli' || op === 'jmpi') this.flag(INDIRECT);
    if (insn.target !== 0) this.refer(insn.target >>> 0, true);
    this.lookAt(insn.a, insn);
    this.lookAt(insn.b, insn);
    this.lookAt(insn.c, insn);
  }

  private lookAt(operand: Operand | undefined, insn: Insn): void {
    if (operand?.kind === 'imm') {
      const { big, value } = operand;
      if (big !== undefined) this.referSigned(Number(BigInt.asIntN(64, big)));
      // Four bytes are widened with zeros: a number, which no address of the image is.
      else if (insn.size >= 8) this.referSigned(value);
      this.noteOffset(value);
    } else if (operand?.kind === 'mem') {
      if (operand.segment === 'gs') this.referPercpu(operand.disp);
      else this.referSigned(operand.disp);
      if (operand.base >= 0) this.noteOffset(operand.disp);
    }
  }

  /** A number that is the offset of a per-CPU variable: one it is only where the code adds a CPU's base to it. */
  private noteOffset(value: number): void {
    if (value <= 0 || value >= this.percpuEnd) return;
    const target = placeAt(this.places, value);
    if (this.places[target] !== value) return;
    const known = this.offsets.get(this.place);
    if (known) known.push(target);
    else this.offsets.set(this.place, [target]);
  }

  /** An address of the image in 32 bits that were sign-extended. */
  private referSigned(value: number): void {
    if (value < 0 && value >= -0x8000_0000) this.refer(value >>> 0, false);
  }

  private referPercpu(offset: number): void {
    const low = offset >>> 0;
    if (low >= this.percpuEnd) return;
    const place = placeAt(this.places, low);
    if (place !== this.hot || low === this.places[place]) this.add(place);
  }

  /** Code that runs at boot is only meant where it is gone to: its ends are what addresses are compared with. */
  private refer(low: number, goes: boolean): void {
    if (low < this.imageStart || low >= this.imageEnd) return;
    if (goes || !this.bootCode.some(({ address, size }) => low >= address && low <= address + size))
      this.add(placeAt(this.places, low));
  }

  private add(target: number): void {
    if (this.percpuBases.has(this.places[target])) this.makesPointers.add(this.place);
    if (target < 0 || target === this.place || this.place < 0) return;
    let set = this.found[this.place];
    if (!set) {
      set = new Set();
      this.found[this.place] = set;
    }
    set.add(target);
  }

  private flag(what: number): void {
    if (this.place >= 0) this.flags[this.place] |= what;
  }
}

/** The stored form: counts of places and targets, then the tables one after the other, so that reading it costs no more than unpacking. */
export function encodeReferences({ places, flags, first, targets }: ReferenceTable): Uint8Array {
  const counts = Uint32Array.of(places.length, targets.length);
  const words = [counts, places, first, targets].map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  return concat([...words, flags]);
}

/** Throws FormatError where the tables do not fit. */
export function decodeReferences(bytes: Uint8Array, file: string): ReferenceTable {
  const r = new ByteReader(bytes, file);
  const places = r.u32(0, 'places');
  const targets = r.u32(4, 'references');
  let at = 8;
  const words = (count: number, field: string): Uint32Array => {
    const piece = r.slice(at, count * 4, field);
    at += count * 4;
    // A view where it is aligned, which what was unpacked is.
    return piece.byteOffset % 4 === 0
      ? new Uint32Array(piece.buffer, piece.byteOffset, count)
      : new Uint32Array(piece.slice().buffer);
  };
  return {
    places: words(places, 'places'),
    first: words(places + 1, 'places'),
    targets: words(targets, 'references'),
    flags: r.slice(at, places, 'flags'),
  };
}
