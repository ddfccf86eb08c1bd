import type { Btf, BtfType, TypeRef } from '../../../formats/btf/index.js';

/** A member that is no struct or union by itself, with where it is in the struct that was asked for. */
interface Leaf {
  readonly offset: number;
  readonly size: number;
  readonly type: TypeRef;
  /** The outermost array that it is in an element of; `stride`: bytes from element to element. */
  readonly array?: { readonly offset: number; readonly size: number; readonly stride: number };
}

/** What the types of a kernel say of pointers and of where things are in structs. */
export class Layouts {
  private readonly leaves = new Map<TypeRef, readonly Leaf[]>();
  private readonly canonical = new Map<TypeRef, TypeRef>();

  constructor(readonly types: Btf) {}

  /** The type that a pointer of some type points to: the same for a struct, wherever it is told of. Undefined for no pointer. */
  pointee(ref: TypeRef): TypeRef | undefined {
    const type = this.classify(ref);
    return type.kind === 'ptr' ? this.canonicalOf(type.to) : undefined;
  }

  private readonly classified = new Map<TypeRef, BtfType>();

  private classify(ref: TypeRef): BtfType {
    let type = this.classified.get(ref);
    if (!type) {
      type = this.types.classify(ref);
      this.classified.set(ref, type);
    }
    return type;
  }

  /** Whether a type says what is at a pointer to it. `void`, characters and the like do not. */
  tells(pointee: TypeRef): boolean {
    const { kind } = this.classify(pointee);
    return kind === 'struct' || kind === 'union' || kind === 'ptr' || kind === 'func';
  }

  /** The name of a struct or union that has one. */
  nameOf(ref: TypeRef): string | undefined {
    const type = this.classify(ref);
    return (type.kind === 'struct' || type.kind === 'union') && type.name !== '' ? type.name : undefined;
  }

  sizeOf(ref: TypeRef): number {
    const type = this.classify(ref);
    if (type.kind === 'void' || type.kind === 'func' || type.kind === 'incomplete') return 0;
    return this.types.sizeOf(ref);
  }

  /** What pointers at an offset in a type point to: more than one in a union. */
  pointeesAt(ref: TypeRef, offset: number): readonly TypeRef[] {
    const type = this.classify(ref);
    if (type.kind === 'ptr') return offset % type.size === 0 ? [this.pointee(ref)!] : [];
    const found: TypeRef[] = [];
    for (const leaf of this.leavesOf(ref)) {
      const at = leaf.array ? this.inElement(leaf, offset) : offset === leaf.offset;
      if (!at) continue;
      const pointee = this.pointee(leaf.type);
      if (pointee !== undefined && !found.includes(pointee)) found.push(pointee);
    }
    // Where a union has text beside others, nobody can tell them apart.
    return found.length > 1 && found.some((pointee) => this.isText(pointee)) ? [] : found;
  }

  /** The bytes that an access at an offset may touch if something unknown was added to it. */
  indexedRange(
    ref: TypeRef,
    offset: number,
    size: number,
  ): { readonly offset: number; readonly size: number } {
    let [start, end] = [offset, offset + size];
    for (const { array } of this.leavesOf(ref)) {
      // Indices that count from 1 are taken off beforehand.
      if (!array || offset + size + 8 < array.offset || offset >= array.offset + array.size) continue;
      start = Math.min(start, array.offset);
      end = Math.max(end, array.offset + array.size);
    }
    return { offset: start, size: end - start };
  }

  /** Bytes from an offset to the end of the array that it is in, or of everything. */
  restAt(ref: TypeRef, offset: number): number {
    const arrays = this.leavesOf(ref).flatMap(({ array }) => array ?? []);
    const array = arrays.find((one) => offset >= one.offset && offset < one.offset + one.size);
    return Math.max(1, (array ? array.offset + array.size : this.sizeOf(ref)) - offset);
  }

  /** Bytes from an offset to where the innermost member that begins there ends. */
  extentAt(ref: TypeRef, offset: number): number {
    let smallest = 0;
    for (const leaf of this.leavesOf(ref)) {
      const { offset: start, size } = leaf.array ?? leaf;
      if (offset < start || offset >= start + size) continue;
      const left = start + size - offset;
      if (smallest === 0 || left < smallest) smallest = left;
    }
    return smallest || 1;
  }

  /** Whether a struct has another at an offset. */
  hasAt(outer: TypeRef, inner: TypeRef, offset: number): boolean {
    if (offset === 0 && outer === inner) return true;
    const type = this.classify(outer);
    if (type.kind === 'array') {
      const size = this.sizeOf(type.of);
      return size > 0 && this.hasAt(this.canonicalOf(type.of), inner, offset % size);
    }
    if (type.kind !== 'struct' && type.kind !== 'union') return false;
    return this.types
      .structMembers(type.ref)
      .some(
        (member) =>
          member.offset <= offset &&
          offset - member.offset < Math.max(1, this.sizeOf(member.type)) &&
          this.hasAt(this.canonicalOf(member.type), inner, offset - member.offset),
      );
  }

  private isText(pointee: TypeRef): boolean {
    const type = this.classify(pointee);
    return type.kind === 'int' && type.size === 1;
  }

  private inElement({ array, offset: first }: Leaf, offset: number): boolean {
    return (
      array !== undefined &&
      offset >= array.offset &&
      offset < array.offset + array.size &&
      (offset - first) % array.stride === 0
    );
  }

  private leavesOf(ref: TypeRef): readonly Leaf[] {
    const known = this.leaves.get(ref);
    if (known) return known;
    const found: Leaf[] = [];
    this.leaves.set(ref, found);
    const type = this.classify(ref);
    if (type.kind === 'struct' || type.kind === 'union') this.collect(type, 0, undefined, found);
    return found;
  }

  private collect(type: BtfType, base: number, array: Leaf['array'], found: Leaf[]): void {
    if (type.kind !== 'struct' && type.kind !== 'union') return;
    for (const member of this.types.structMembers(type.ref)) {
      let inner = this.classify(member.type);
      const offset = base + member.offset;
      let within = array;
      if (inner.kind === 'array') {
        let element = inner.of;
        for (inner = this.classify(element); inner.kind === 'array'; inner = this.classify(element))
          element = inner.of;
        within ??= { offset, size: this.types.sizeOf(member.type), stride: this.sizeOf(element) };
        this.add(inner, element, offset, within, found);
      } else this.add(inner, member.type, offset, within, found);
    }
  }

  private add(type: BtfType, ref: TypeRef, offset: number, array: Leaf['array'], found: Leaf[]): void {
    if (type.kind === 'struct' || type.kind === 'union') this.collect(type, offset, array, found);
    else found.push({ offset, size: this.sizeOf(ref), type: ref, ...(array && { array }) });
  }

  /** One id for each struct, though several files may have told of it. */
  private canonicalOf(ref: TypeRef): TypeRef {
    const known = this.canonical.get(ref);
    if (known !== undefined) return known;
    const type = this.classify(ref);
    let found = this.types.strip(ref);
    if ((type.kind === 'struct' || type.kind === 'union') && type.name !== '')
      found = this.types.findType(`${type.kind} ${type.name}`) ?? found;
    else if (type.kind === 'incomplete') found = this.types.findType(`${type.tag} ${type.name}`) ?? found;
    this.canonical.set(ref, found);
    return found;
  }
}
