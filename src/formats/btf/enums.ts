import { NameIndex } from './name-index.js';
import type { BtfRecords } from './records.js';
import * as K from './records.js';
import type { TypeRef } from './types.js';

export interface Enumerator {
  readonly name: string;
  /** A number, or a bigint where a double would round. */
  readonly value: number | bigint;
}

/** Enumerator `i` of an enum type (btf.rst, BTF_KIND_ENUM and BTF_KIND_ENUM64; kind_flag means signed). */
export function enumerator(records: BtfRecords, id: TypeRef, i: number): Enumerator {
  const wide = records.kind(id) === K.KIND_ENUM64;
  const at = 3 + i * (wide ? 3 : 2);
  const name = records.string(records.word(id, at));
  const low = records.word(id, at + 1);
  if (!wide) return { name, value: records.kindFlag(id) ? low | 0 : low };
  const raw = (BigInt(records.word(id, at + 2)) << 32n) | BigInt(low);
  const value = records.kindFlag(id) ? BigInt.asIntN(64, raw) : raw;
  const small = Number(value);
  return { name, value: Number.isSafeInteger(small) ? small : value };
}

/** All enumerators of one part of a BTF, by name. */
export class EnumeratorIndex {
  private readonly names: NameIndex;
  private readonly owners: Uint32Array;
  private readonly positions: Uint16Array;

  constructor(private readonly records: BtfRecords) {
    const enums = records.idsOfKinds(K.KIND_ENUM, K.KIND_ENUM64);
    const count = enums.reduce((sum, id) => sum + records.vlen(id), 0);
    this.owners = new Uint32Array(count);
    this.positions = new Uint16Array(count);
    const offsets = new Uint32Array(count);
    let entry = 0;
    for (const id of enums) {
      const step = records.kind(id) === K.KIND_ENUM64 ? 3 : 2;
      const length = records.vlen(id);
      for (let i = 0; i < length; i++, entry++) {
        this.owners[entry] = id;
        this.positions[entry] = i;
        offsets[entry] = records.word(id, 3 + i * step);
      }
    }
    this.names = new NameIndex(records, offsets);
  }

  find(name: string): Enumerator | undefined {
    const [entry] = this.names.find(name);
    return entry === undefined
      ? undefined
      : enumerator(this.records, this.owners[entry], this.positions[entry]);
  }
}
