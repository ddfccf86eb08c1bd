import type { BtfRecords } from './records.js';
import * as K from './records.js';
import type { BtfType, TypeRef } from './types.js';

/** Longer chains of typedefs, qualifiers or arrays do not come out of a compiler. */
const MAX_CHAIN = 64;

function isModifier(kind: number): boolean {
  return (
    kind === K.KIND_VOLATILE || kind === K.KIND_CONST || kind === K.KIND_RESTRICT || kind === K.KIND_TYPE_TAG
  );
}

/** The type under typedefs, qualifiers and type tags. */
export function strip(records: BtfRecords, ref: TypeRef): TypeRef {
  let id = ref;
  for (let step = 0; step < MAX_CHAIN; step++) {
    const kind = records.kind(id);
    if (kind !== K.KIND_TYPEDEF && !isModifier(kind)) return id;
    id = records.sizeOrType(id);
  }
  return records.fail(ref, 'type', 'refers to itself');
}

/** What a type is, with its outermost typedef and constness. */
export function classify(records: BtfRecords, ref: TypeRef): BtfType {
  const id = strip(records, ref);
  const via: { typedef?: string; isConst?: boolean } = {};
  for (let at = ref; at !== id; at = records.sizeOrType(at)) {
    const kind = records.kind(at);
    if (kind === K.KIND_TYPEDEF) via.typedef ??= records.name(at);
    if (kind === K.KIND_CONST) via.isConst = true;
  }
  return { ...via, ...bareType(records, id) };
}

function bareType(records: BtfRecords, id: TypeRef): BtfType {
  const kind = records.kind(id);
  switch (kind) {
    case K.KIND_VOID:
      return { kind: 'void' };
    case K.KIND_INT:
      return intType(records, id);
    case K.KIND_PTR:
      return { kind: 'ptr', to: records.sizeOrType(id), size: records.pointerSize };
    case K.KIND_ARRAY:
      return { kind: 'array', of: records.word(id, 3), length: records.word(id, 5) };
    case K.KIND_STRUCT:
    case K.KIND_UNION: {
      const tag = kind === K.KIND_STRUCT ? 'struct' : 'union';
      return { kind: tag, name: records.name(id), size: records.sizeOrType(id), ref: id };
    }
    case K.KIND_ENUM:
    case K.KIND_ENUM64:
      return {
        kind: 'enum',
        name: records.name(id),
        size: records.sizeOrType(id),
        signed: records.kindFlag(id),
        ref: id,
      };
    case K.KIND_FWD:
      return { kind: 'incomplete', name: records.name(id), tag: records.kindFlag(id) ? 'union' : 'struct' };
    case K.KIND_FUNC:
      return { kind: 'func', ref: records.sizeOrType(id) };
    case K.KIND_FUNC_PROTO:
      return { kind: 'func', ref: id };
    case K.KIND_FLOAT:
      return { kind: 'float', name: records.name(id), size: records.sizeOrType(id) };
    default:
      return records.fail(id, 'kind', `${kind} is not the type of a value`);
  }
}

function intType(records: BtfRecords, id: TypeRef): BtfType {
  const encoding = (records.word(id, 3) >>> 24) & 0xf;
  const size = records.sizeOrType(id);
  // btf.rst, BTF_KIND_INT: bit 0 signed, bit 2 bool; bit 1, char, compilers do not set.
  if ((encoding & 4) !== 0) return { kind: 'bool', size };
  return {
    kind: 'int',
    name: records.name(id),
    size,
    signed: (encoding & 1) !== 0,
  };
}

/** sizeof: of void and functions 1, as GNU C has it; of an incomplete type undefined. */
export function sizeOf(records: BtfRecords, ref: TypeRef, depth = 0): number | undefined {
  const type = classify(records, ref);
  switch (type.kind) {
    case 'void':
    case 'func':
      return 1;
    case 'incomplete':
      return undefined;
    case 'array': {
      if (depth > MAX_CHAIN) return records.fail(ref, 'array type', 'refers to itself');
      const size = sizeOf(records, type.of, depth + 1);
      return size === undefined ? undefined : size * type.length;
    }
    default:
      return type.size;
  }
}
