import {
  HEADER_SIZE,
  KIND_FUNC,
  KIND_FUNC_PROTO,
  KIND_PTR,
  KIND_STRUCT,
  KIND_VAR,
  MAGIC,
  recordWords,
} from '../../src/formats/btf/records.js';
import { ByteReader } from '../../src/formats/byte-reader.js';
import type { DeclaredFunction } from './declarations.js';

/** BTF_FUNC_EXTERN and BTF_VAR_GLOBAL_EXTERN (Documentation/bpf/btf.rst). */
const EXTERN = 2;

/**
 * BTF with a FUNC or VAR for each name: `struct` is the struct whose member of the same index points to what the name
 * declares. The struct itself is left without members. Parameters get the names of the declarations.
 */
export function addDeclarations(
  bytes: Uint8Array,
  struct: string,
  names: readonly string[],
  functions: ReadonlyMap<string, DeclaredFunction>,
): Uint8Array {
  const btf = new EditedBtf(bytes);
  const carrier = btf.find(KIND_STRUCT, struct);
  const members = btf.records[carrier].slice(3);
  if (members.length !== names.length * 3)
    throw new Error(`struct ${struct} has ${members.length / 3} members`);
  const protos = new ProtoNames(btf);
  names.forEach((name, i) => {
    const pointer = btf.records[members[i * 3 + 1]];
    if (kindOf(pointer) !== KIND_PTR) throw new Error(`${name}: no pointer carries its type`);
    const type = pointer[2];
    const declared = functions.get(name);
    if (declared) btf.add([btf.string(name), (KIND_FUNC << 24) | EXTERN, protos.withNames(type, declared)]);
    else btf.add([btf.string(name), KIND_VAR << 24, type, EXTERN]);
  });
  btf.records[carrier] = [0, KIND_STRUCT << 24, 0];
  return btf.encode();
}

/** Prototypes with the names of their parameters: the types of functions in debug information have none. */
class ProtoNames {
  private readonly made = new Map<string, number>();

  constructor(private readonly btf: EditedBtf) {}

  withNames(type: number, { name, parameters }: DeclaredFunction): number {
    const proto = this.btf.records[this.btf.withoutTypedefs(type)];
    if (kindOf(proto) !== KIND_FUNC_PROTO) throw new Error(`${name}: no function`);
    const count = proto[1] & 0xffff;
    const words = proto.slice();
    for (let i = 0; i < count && i < parameters.length; i++) {
      if (words[4 + i * 2] !== 0) words[3 + i * 2] = this.btf.string(parameters[i]);
    }
    const key = words.join();
    const id = this.made.get(key) ?? this.btf.add(words);
    this.made.set(key, id);
    return id;
  }
}

const kindOf = (record: readonly number[]): number => (record[1] >>> 24) & 0x1f;
const KIND_TYPEDEF = 8;

/** The records of a `.BTF` section as words, by type id, and its strings, both of which can grow. */
class EditedBtf {
  /** Type 0, void, has no record. */
  readonly records: number[][] = [[]];
  private readonly strings: Uint8Array;
  private readonly added: string[] = [];
  private readonly offsets = new Map<string, number>([['', 0]]);
  private end: number;

  constructor(bytes: Uint8Array) {
    const r = new ByteReader(bytes, 'BTF');
    const header = r.u32(4, 'hdr_len');
    const types = header + r.u32(8, 'type_off');
    const typesEnd = types + r.u32(12, 'type_len');
    for (let at = types; at < typesEnd; ) {
      const count = recordWords(r.u32(at + 4, 'info'));
      if (count === 0) r.fail('info', at + 4, 'no such kind of type');
      const words = Array.from({ length: count }, (_, i) => r.u32(at + i * 4, 'type'));
      this.records.push(words);
      at += count * 4;
    }
    this.strings = r.slice(header + r.u32(16, 'str_off'), r.u32(20, 'str_len'), 'strings');
    this.end = this.strings.length;
    this.indexStrings();
  }

  private indexStrings(): void {
    let start = 0;
    for (let end = this.strings.indexOf(0); end >= 0; end = this.strings.indexOf(0, start)) {
      const text = new TextDecoder().decode(this.strings.subarray(start, end));
      if (text !== '') this.offsets.set(text, start);
      start = end + 1;
    }
  }

  find(kind: number, name: string): number {
    const offset = this.offsets.get(name);
    const id = this.records.findIndex((record) => record[0] === offset && kindOf(record) === kind);
    if (id < 0) throw new Error(`BTF has no ${name}`);
    return id;
  }

  withoutTypedefs(type: number): number {
    let id = type;
    while (kindOf(this.records[id]) === KIND_TYPEDEF) id = this.records[id][2];
    return id;
  }

  /** Answers the id of the new record. */
  add(words: number[]): number {
    return this.records.push(words) - 1;
  }

  /** The offset of a string, which is added where it is not there. */
  string(text: string): number {
    const known = this.offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.end;
    this.offsets.set(text, offset);
    this.added.push(text);
    this.end += text.length + 1;
    return offset;
  }

  encode(): Uint8Array {
    const words = Uint32Array.from(this.records.flat());
    const types = new Uint8Array(words.buffer);
    const added = new TextEncoder().encode(this.added.map((text) => `${text}\0`).join(''));
    const bytes = new Uint8Array(HEADER_SIZE + types.length + this.end);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, MAGIC, true);
    view.setUint8(2, 1);
    const fields = [HEADER_SIZE, 0, types.length, types.length, this.end];
    for (const [i, value] of fields.entries()) view.setUint32(4 + i * 4, value, true);
    bytes.set(types, HEADER_SIZE);
    bytes.set(this.strings, HEADER_SIZE + types.length);
    bytes.set(added, HEADER_SIZE + types.length + this.strings.length);
    return bytes;
  }
}
