import type { BtfRecords } from './records.js';
import * as K from './records.js';

/** Kinds whose third word is a type. */
const REFERRING: readonly number[] = [
  K.KIND_PTR,
  K.KIND_TYPEDEF,
  K.KIND_VOLATILE,
  K.KIND_CONST,
  K.KIND_RESTRICT,
  K.KIND_FUNC,
  K.KIND_FUNC_PROTO,
  K.KIND_VAR,
  K.KIND_DECL_TAG,
  K.KIND_TYPE_TAG,
];

/** How many words a member of a kind has, and which of them are names and types. */
interface Items {
  readonly words: number;
  readonly name?: number;
  readonly type?: number;
}
const ITEMS: ReadonlyMap<number, Items> = new Map([
  [K.KIND_STRUCT, { words: 3, name: 0, type: 1 }],
  [K.KIND_UNION, { words: 3, name: 0, type: 1 }],
  [K.KIND_ENUM, { words: 2, name: 0 }],
  [K.KIND_ENUM64, { words: 3, name: 0 }],
  [K.KIND_FUNC_PROTO, { words: 2, name: 0, type: 1 }],
  [K.KIND_DATASEC, { words: 3, type: 0 }],
]);
const FIRST_ITEM = 3;

/** Looks at every name and every type that a part's records refer to. Throws FormatError for what is not there. */
export function validateRecords(records: BtfRecords): void {
  for (let id = records.first; id < records.end; id++) {
    const kind = records.kind(id);
    records.string(records.word(id, 0));
    if (REFERRING.includes(kind)) records.kind(records.word(id, 2));
    if (kind === K.KIND_ARRAY) for (const index of [3, 4]) records.kind(records.word(id, index));
    const items = ITEMS.get(kind);
    for (let i = 0; items && i < records.vlen(id); i++) {
      const at = FIRST_ITEM + i * items.words;
      if (items.name !== undefined) records.string(records.word(id, at + items.name));
      if (items.type !== undefined) records.kind(records.word(id, at + items.type));
    }
  }
}
