import { ByteReader } from '../byte-reader.js';
import { decodeUtf8 } from '../string-table.js';
import {
  HEADER_SIZE,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FUNC_PROTO,
  KIND_STRUCT,
  KIND_UNION,
  MAGIC,
  recordWords,
} from './records.js';

/** A named type that a module's split BTF adds to the kernel's. */
interface OwnType {
  /** `struct`, `func`, ...: names of BTF_KIND_*, in lower case. */
  readonly kind: string;
  /** Undefined where the name is among the kernel's strings, and those are not at hand. */
  readonly name: string | undefined;
}

const KIND_NAMES = [
  'void',
  'int',
  'ptr',
  'array',
  'struct',
  'union',
  'enum',
  'fwd',
  'typedef',
  'volatile',
  'const',
  'restrict',
  'func',
  'func_proto',
  'var',
  'datasec',
  'float',
  'decl_tag',
  'type_tag',
  'enum64',
];

/** Words from entry to entry of kinds whose entries begin with a name. */
const NAMED_ENTRY_WORDS: Readonly<Record<number, number>> = {
  [KIND_STRUCT]: 3,
  [KIND_UNION]: 3,
  [KIND_ENUM]: 2,
  [KIND_FUNC_PROTO]: 2,
  [KIND_ENUM64]: 3,
};

/**
 * Named types of a `.BTF` section on its own (Documentation/bpf/btf.rst). `base` is the BTF that it was split from;
 * without it (or where it is the BTF of another kernel), names in the section's own strings are found all the same: its strings are numbered on from the base's, and
 * as each is used, the last one tells where they begin. Throws FormatError.
 */
export function ownTypes(bytes: Uint8Array, file: string, base?: Uint8Array): OwnType[] {
  const split = new SplitBtf(bytes, file);
  const given = base && stringsOf(new ByteReader(base, `${file}: base`));
  const start = split.firstString();
  const baseStrings = given?.length === start ? given : undefined;
  return split.named().map(({ kind, name }) => ({
    kind: KIND_NAMES[kind],
    name: name >= start ? stringAt(split.strings, name - start) : baseStrings && stringAt(baseStrings, name),
  }));
}

function headerSize(r: ByteReader): number {
  if (r.u16(0, 'magic') !== MAGIC) r.fail('magic', 0, 'not little-endian BTF');
  const size = r.u32(4, 'hdr_len');
  if (size < HEADER_SIZE) r.fail('hdr_len', 4, `${size}, need ${HEADER_SIZE}`);
  return size;
}

function stringsOf(r: ByteReader): Uint8Array {
  return r.slice(headerSize(r) + r.u32(16, 'str_off'), r.u32(20, 'str_len'), 'str_len', 20);
}

interface Named {
  readonly kind: number;
  /** Offset in the strings of base and split together. */
  readonly name: number;
}

class SplitBtf {
  readonly strings: Uint8Array;
  private readonly r: ByteReader;
  private readonly typesAt: number;
  private readonly typesEnd: number;

  constructor(bytes: Uint8Array, file: string) {
    const r = new ByteReader(bytes, file);
    const header = headerSize(r);
    this.r = r;
    this.typesAt = header + r.u32(8, 'type_off');
    this.typesEnd = this.typesAt + r.u32(12, 'type_len');
    r.slice(this.typesAt, this.typesEnd - this.typesAt, 'type_len', 12);
    this.strings = stringsOf(r);
  }

  named(): Named[] {
    const found: Named[] = [];
    for (const { kind, name } of this.records()) if (name !== 0) found.push({ kind, name });
    return found;
  }

  /** Where in all strings this part's begin; infinite where that cannot be told. */
  firstString(): number {
    const starts = stringStarts(this.strings);
    const used = this.usedNames();
    const last = starts.at(-1);
    if (last === undefined || used.length === 0) return Number.POSITIVE_INFINITY;
    const first = used.reduce((a, b) => Math.max(a, b)) - last;
    const known = new Set(starts);
    const fits = first >= 0 && used.every((name) => name < first || known.has(name - first));
    return fits ? first : Number.POSITIVE_INFINITY;
  }

  private usedNames(): number[] {
    const used: number[] = [];
    for (const { kind, name, at, count } of this.records()) {
      if (name !== 0) used.push(name);
      const step = NAMED_ENTRY_WORDS[kind];
      if (step === undefined) continue;
      for (let i = 0; i < count; i++) {
        const entry = this.r.u32(at + 12 + i * step * 4, 'name_off');
        if (entry !== 0) used.push(entry);
      }
    }
    return used;
  }

  private *records(): Generator<Named & { readonly at: number; readonly count: number }> {
    for (let at = this.typesAt; at < this.typesEnd; ) {
      const info = this.r.u32(at + 4, 'info');
      const words = recordWords(info);
      if (words === 0) this.r.fail('info', at + 4, 'no such kind of type');
      this.r.need(at, words * 4, 'type');
      yield { kind: (info >>> 24) & 0x1f, name: this.r.u32(at, 'name_off'), at, count: info & 0xffff };
      at += words * 4;
    }
  }
}

/** Offsets of the strings that end. */
function stringStarts(strings: Uint8Array): number[] {
  const starts: number[] = [];
  let start = 0;
  for (let end = strings.indexOf(0); end >= 0; end = strings.indexOf(0, start)) {
    starts.push(start);
    start = end + 1;
  }
  return starts;
}

function stringAt(strings: Uint8Array, at: number): string {
  const end = strings.indexOf(0, at);
  return decodeUtf8(strings.subarray(at, end < 0 ? strings.length : end));
}
