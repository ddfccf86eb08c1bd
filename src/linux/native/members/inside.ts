import type { Btf } from '../../../formats/btf/index.js';

/** Structs that are gone through for one question: one that holds itself would go on for ever. */
const DEEPEST = 12;

/** Which structs have which others as members, at which offsets. */
export class Inside {
  private readonly known = new Map<string, boolean>();

  constructor(private readonly types: Btf) {}

  /** Whether a struct has another at an offset in bytes. A struct has itself at 0. */
  holds(outer: string, inner: string, offset: number): boolean {
    if (offset < 0) return false;
    const key = `${outer} ${inner} ${offset}`;
    let holds = this.known.get(key);
    if (holds === undefined) {
      const ref = this.types.findType(`struct ${outer}`) ?? this.types.findType(`union ${outer}`);
      holds = ref !== undefined && this.search(ref, inner, offset, DEEPEST);
      this.known.set(key, holds);
    }
    return holds;
  }

  private search(ref: number, inner: string, offset: number, depth: number): boolean {
    const type = this.types.classify(ref);
    if (depth === 0) return false;
    if (type.kind === 'array') {
      const size = this.types.sizeOf(type.of);
      return size > 0 && this.search(type.of, inner, offset % size, depth - 1);
    }
    if (type.kind !== 'struct' && type.kind !== 'union') return false;
    if (offset >= type.size && offset > 0) return false;
    if (offset === 0 && type.name === inner) return true;
    return this.types
      .structMembers(type.ref)
      .some(
        (member) =>
          member.offset <= offset && this.search(member.type, inner, offset - member.offset, depth - 1),
      );
  }
}
