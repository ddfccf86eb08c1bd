import type { BtfRecords } from './records.js';
import * as K from './records.js';
import { classify, sizeOf, strip } from './resolve.js';
import type { Field, Member, TypeRef } from './types.js';

/** More anonymous structs than any struct has inside: one that holds itself would go on for ever. */
const MAX_ANONYMOUS = 1000;

/** The members of a struct or union type, in order. */
export function membersOf(records: BtfRecords, struct: TypeRef): Member[] {
  const count = records.vlen(struct);
  const members: Member[] = [];
  for (let i = 0; i < count; i++) members.push(member(records, struct, i));
  return members;
}

function member(records: BtfRecords, struct: TypeRef, i: number): Member {
  const at = 3 + i * 3;
  const name = records.string(records.word(struct, at));
  const type = records.word(struct, at + 1);
  const place = records.word(struct, at + 2);
  // btf.rst, BTF_KIND_STRUCT: with kind_flag the upper 8 bits are the bit-field's size.
  const bitsAt = records.kindFlag(struct) ? place & 0xffffff : place;
  const bitSize = records.kindFlag(struct) ? place >>> 24 : oldBitSize(records, type);
  if (bitSize === 0) return { name, type, offset: bitsAt >>> 3 };
  const unit = (sizeOf(records, type) ?? 1) * 8;
  const start = bitsAt - (bitsAt % unit);
  // A bit-field of a packed struct may straddle its natural unit: then count from its first byte.
  const from = bitsAt + bitSize > start + unit ? bitsAt - (bitsAt % 8) : start;
  return { name, type, offset: from / 8, bitOffset: bitsAt - from, bitSize };
}

/** Without kind_flag a bit-field is an int type with fewer bits than its size has. */
function oldBitSize(records: BtfRecords, type: TypeRef): number {
  const id = strip(records, type);
  if (records.kind(id) !== K.KIND_INT) return 0;
  const bits = records.word(id, 3) & 0xff;
  return bits === records.sizeOrType(id) * 8 ? 0 : bits;
}

/** A member by name, searched in anonymous structs and unions too, or undefined. */
function findMember(records: BtfRecords, struct: TypeRef, name: string): Field | undefined {
  return search(records, struct, name, { left: MAX_ANONYMOUS });
}

function search(
  records: BtfRecords,
  struct: TypeRef,
  name: string,
  budget: { left: number },
): Field | undefined {
  const count = records.vlen(struct);
  for (let i = 0; i < count; i++) {
    const memberName = records.string(records.word(struct, 3 + i * 3));
    if (memberName === name) return withoutName(member(records, struct, i));
    if (memberName !== '') continue;
    const outer = member(records, struct, i);
    const inner = strip(records, outer.type);
    const kind = records.kind(inner);
    if (kind !== K.KIND_STRUCT && kind !== K.KIND_UNION) continue;
    if (--budget.left < 0) records.fail(struct, 'members', 'anonymous structs without end');
    const found = search(records, inner, name, budget);
    if (found !== undefined) return { ...found, offset: outer.offset + found.offset };
  }
  return undefined;
}

function withoutName({ name: _, ...field }: Member): Field {
  return field;
}

const STEP = /\.?([A-Za-z_$][\w$]*)|\[(\d+)\]/y;

/** A path such as `kobj.name` or `lists[3].next` below `start`. A string says why there is no such thing. */
export function followPath(records: BtfRecords, start: TypeRef, path: string): Field | string {
  let field: Field = { offset: 0, type: start };
  STEP.lastIndex = 0;
  for (let at = 0; at < path.length; at = STEP.lastIndex) {
    STEP.lastIndex = at;
    const step = STEP.exec(path);
    if (step === null) return `'${path.slice(at)}' is not a member or index`;
    const next =
      step[1] === undefined ? element(records, field, Number(step[2])) : named(records, field, step[1]);
    if (typeof next === 'string') return next;
    field = next;
  }
  return field;
}

function element(records: BtfRecords, field: Field, index: number): Field | string {
  const type = classify(records, field.type);
  if (type.kind !== 'array') return `[${index}] of what is no array`;
  // A length of 0 is a flexible array.
  if (type.length > 0 && index >= type.length) return `[${index}] of an array of ${type.length}`;
  const size = sizeOf(records, type.of);
  if (size === undefined) return 'an array of an incomplete type';
  return { offset: field.offset + index * size, type: type.of };
}

function named(records: BtfRecords, field: Field, name: string): Field | string {
  const type = classify(records, field.type);
  if (type.kind !== 'struct' && type.kind !== 'union')
    return `.${name} of ${type.kind === 'ptr' ? 'a pointer' : 'no struct'}`;
  const found = findMember(records, type.ref, name);
  if (found === undefined) return `member '${name}' in ${type.kind} ${type.name}`;
  return { ...found, offset: field.offset + found.offset };
}
