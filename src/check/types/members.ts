import type { Btf, Member, TypeRef } from '../../formats/btf/index.js';

/** A member as C code names it: those of anonymous structs and unions count as the outer one's. */
export interface FlatMember {
  readonly name: string;
  readonly type: TypeRef;
  /** Its declaration, `u32 flags`. */
  readonly declaration: string;
  readonly bitSize: number | undefined;
}

/** Deeper nesting than any compiler makes: a struct that holds itself would go on for ever. */
const MAX_MEMBER_DEPTH = 16;

export function flatMembers(types: Btf, struct: TypeRef, depth = 0): FlatMember[] {
  if (depth > MAX_MEMBER_DEPTH) return [];
  return types.structMembers(struct).flatMap((member) => {
    if (member.name !== '') return [flat(types, member)];
    const inner = types.classify(member.type);
    const nested = inner.kind === 'struct' || inner.kind === 'union';
    return nested ? flatMembers(types, inner.ref, depth + 1) : [];
  });
}

function flat(types: Btf, { name, type, bitSize }: Member): FlatMember {
  const bits = bitSize === undefined ? '' : ` : ${bitSize}`;
  return { name, type, declaration: `${types.typeName(type, name)}${bits}`, bitSize };
}
