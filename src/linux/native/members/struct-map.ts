import { WORD } from '../../../conventions/amd64.js';
import type { Btf, BtfType, Member } from '../../../formats/btf/index.js';
import { PARTS } from './made.js';

/** Bytes of a struct. */
export interface StructPart {
  readonly struct: string;
  readonly offset: number;
  readonly size: number;
}

/** One of the structs that are told apart, inside another. */
interface Inner {
  readonly struct: string;
  readonly offset: number;
  readonly size: number;
}

/**
 * Where structs are in each other. An access to a `struct pci_dev` at `dev.kobj.state` is one to a part of struct kobject; which structs
 * are told apart in this way is given.
 */
export class StructMap {
  private readonly inners = new Map<string, readonly Inner[]>();
  private containers: ReadonlyMap<string, readonly Inner[]> | undefined;

  constructor(
    private readonly types: Btf,
    readonly structs: ReadonlySet<string>,
  ) {}

  /** The parts of the structs that are told apart which bytes of some struct are. Bytes outside it are of what may contain it (`around`). */
  partsOf({ struct, offset, size }: StructPart, around = true): readonly StructPart[] {
    const whole = this.sizeOf(struct);
    if (offset >= 0 && offset + size <= whole) return this.within(struct, offset, size);
    if (ELEMENTS.has(struct) && whole > 0)
      return this.within(struct, ((offset % whole) + whole) % whole, size);
    const outside = this.structs.has(struct) ? [{ struct, offset, size }] : [];
    return around ? [...outside, ...this.around(struct, offset, size)] : outside;
  }

  /**
   * The structs that are told apart and lie in some bytes as a whole, but for a word at either end: compilers clear these by
   * themselves.
   */
  wholesIn({ struct, offset, size }: StructPart, found = new Set<string>()): ReadonlySet<string> {
    const whole = this.sizeOf(struct);
    if (offset + size <= 0 || offset >= whole) return found;
    if (offset <= WORD && offset + size >= whole - WORD && size > 2 * WORD) found.add(struct);
    for (const inner of this.innersOf(struct))
      this.wholesIn({ struct: inner.struct, offset: offset - inner.offset, size }, found);
    return found;
  }

  /** Of a member of a struct: also where what is inside of it would say it is, as `sock + 1000` for a member of struct tcp_sock. */
  fromInside(part: StructPart): readonly StructPart[] {
    return this.innersOf(part.struct).map(({ struct, offset }) => ({
      struct,
      offset: part.offset - offset,
      size: part.size,
    }));
  }

  private around(struct: string, offset: number, size: number): readonly StructPart[] {
    // What works, timers and queues are part of is anything.
    if (PARTS.has(struct)) return [];
    return (this.containersOf(struct) ?? []).flatMap((container) => {
      const at = container.offset + offset;
      return at >= 0 && at + size <= this.sizeOf(container.struct)
        ? this.within(container.struct, at, size)
        : [];
    });
  }

  /** Whether a struct has another at an offset, which may be 0 for itself. */
  holds(outer: string, inner: string, offset: number): boolean {
    if (outer === inner && offset === 0) return true;
    return this.innersOf(outer).some(
      (one) =>
        offset >= one.offset &&
        offset < one.offset + one.size &&
        this.holds(one.struct, inner, offset - one.offset),
    );
  }

  /** Whether a struct that is told apart has nothing in common with another, not even a struct that both begin with. */
  areStrangers(struct: string, other: string): boolean {
    if (!this.structs.has(struct) || OVERLAID.has(struct)) return false;
    const starts = this.startsOf(struct);
    const others = [...this.startsOf(other)];
    return others.length > 0 && !others.some((name) => starts.has(name));
  }

  /** Names of the structs that begin where a struct does, itself too. */
  private startsOf(struct: string): ReadonlySet<string> {
    const names = new Set<string>();
    const visit = (type: StructBtfType): void => {
      names.add(type.name);
      for (const member of this.types.structMembers(type.ref)) {
        const { inner } = this.elementOf(member);
        if (inner && member.offset === 0) visit(inner);
      }
    };
    const type = this.typeOf(struct);
    if (type) visit(type);
    names.delete('');
    return names;
  }

  /** Where structs of certain names are in a struct, but in others of those that are told apart. */
  findInside(struct: string, wanted: (name: string) => boolean): readonly StructPart[] {
    const type = this.typeOf(struct);
    const found: StructPart[] = [];
    const visit = (one: StructBtfType, base: number): void => {
      for (const member of this.types.structMembers(one.ref)) {
        const { inner, count } = this.elementOf(member);
        for (let i = 0; inner !== undefined && i < count; i++) {
          const offset = base + member.offset + i * inner.size;
          const name = inner.name || typedefOf(this.types.classify(member.type));
          if (wanted(name)) found.push({ struct, offset, size: inner.size });
          else if (!this.structs.has(inner.name)) visit(inner, offset);
        }
      }
    };
    if (type) visit(type, 0);
    return found;
  }

  sizeOf(struct: string): number {
    const type = this.typeOf(struct);
    return type === undefined ? 0 : type.size;
  }

  /** Bytes of what begins at an offset: of the struct that is a member there, else all that is left. 0 outside. */
  roomAt(struct: string, offset: number): number {
    const type = this.typeOf(struct);
    if (!type || offset < 0 || offset >= type.size) return 0;
    if (offset === 0) return type.size;
    return this.memberSize(type, offset) ?? type.size - offset;
  }

  /** The name of the array without a length that a struct ends in. */
  tailOf(struct: string): string | undefined {
    const type = this.typeOf(struct);
    const last = type && this.types.structMembers(type.ref).at(-1);
    const array = last && this.types.classify(last.type);
    return array?.kind === 'array' && array.length === 0 ? last?.name : undefined;
  }

  /** The size of the outermost struct with a name that is a member and begins at an offset. */
  private memberSize(type: StructBtfType, offset: number): number | undefined {
    for (const member of this.types.structMembers(type.ref)) {
      const inner = this.types.classify(member.type);
      if (!isStruct(inner) || offset < member.offset || offset >= member.offset + inner.size) continue;
      if (offset === member.offset && inner.name !== '') return inner.size;
      const below = this.memberSize(inner, offset - member.offset);
      if (below !== undefined) return below;
    }
    return undefined;
  }

  /** The member that is at an offset, as C names it. Of bit fields the first that has any of these bits of the byte. */
  memberAt(struct: string, offset: number, bits = 0xff): string {
    const type = this.typeOf(struct);
    return type ? this.path(type, offset, bits, 3) : '';
  }

  private within(struct: string, offset: number, size: number): readonly StructPart[] {
    const parts: StructPart[] = [];
    let covered = offset;
    for (const inner of this.innersOf(struct)) {
      const from = Math.max(offset, inner.offset);
      const to = Math.min(offset + size, inner.offset + inner.size);
      if (from >= to) continue;
      if (from > covered) parts.push({ struct, offset: covered, size: from - covered });
      covered = Math.max(covered, to);
      parts.push(...this.within(inner.struct, from - inner.offset, to - from));
    }
    if (covered < offset + size) parts.push({ struct, offset: covered, size: offset + size - covered });
    return parts.filter((part) => this.structs.has(part.struct));
  }

  private innersOf(struct: string): readonly Inner[] {
    let inners = this.inners.get(struct);
    if (!inners) {
      const found: Inner[] = [];
      const type = this.typeOf(struct);
      if (type) this.collect(type, 0, found);
      inners = found.sort((a, b) => a.offset - b.offset);
      this.inners.set(struct, inners);
    }
    return inners;
  }

  private collect(type: StructBtfType, base: number, found: Inner[]): void {
    for (const member of this.types.structMembers(type.ref)) {
      const { inner, count } = this.elementOf(member);
      if (inner === undefined) continue;
      for (let i = 0; i < count; i++) {
        const offset = base + member.offset + i * inner.size;
        if (inner.name !== '' && this.structs.has(inner.name))
          found.push({ struct: inner.name, offset, size: inner.size });
        else this.collect(inner, offset, found);
      }
    }
  }

  /** The struct that a member is, or has elements of. */
  private elementOf({ type }: Member): { readonly inner: StructBtfType | undefined; readonly count: number } {
    let count = 1;
    let inner = this.types.classify(type);
    for (; inner.kind === 'array'; inner = this.types.classify(inner.of)) count *= inner.length;
    return { inner: isStruct(inner) ? inner : undefined, count: Math.min(count, MOST_ELEMENTS) };
  }

  private containersOf(struct: string): readonly Inner[] | undefined {
    this.containers ??= this.findContainers();
    return this.containers.get(struct);
  }

  private findContainers(): Map<string, Inner[]> {
    const containers = new Map<string, Inner[]>();
    const visit = (outer: string, struct: string, base: number): void => {
      for (const { struct: inner, offset, size } of this.innersOf(struct)) {
        const known = containers.get(inner) ?? [];
        containers.set(inner, [...known, { struct: outer, offset: base + offset, size }]);
        visit(outer, inner, base + offset);
      }
    };
    for (const struct of this.structs) visit(struct, struct, 0);
    return containers;
  }

  private readonly typesByName = new Map<string, StructBtfType | null>();

  private typeOf(struct: string): StructBtfType | undefined {
    const known = this.typesByName.get(struct);
    if (known !== undefined) return known ?? undefined;
    const ref = this.types.findType(`struct ${struct}`) ?? this.types.findType(`union ${struct}`);
    const type = ref === undefined ? undefined : this.types.classify(ref);
    const found = type && isStruct(type) ? type : undefined;
    this.typesByName.set(struct, found ?? null);
    return found;
  }

  /** The bits of a byte of a struct that are some member's. */
  bitsNamedAt(struct: string, offset: number): number {
    const type = this.typeOf(struct);
    return type ? this.namedIn(type, offset) : 0xff;
  }

  private namedIn(type: StructBtfType, offset: number): number {
    let named = 0;
    for (const member of this.types.structMembers(type.ref)) {
      if (member.bitSize !== undefined) {
        named |= bitsOf(member, offset);
        continue;
      }
      const inner = this.types.classify(member.type);
      if (offset < member.offset || offset >= member.offset + this.extentOf(member)) continue;
      named |= isStruct(inner) ? this.namedIn(inner, offset - member.offset) : 0xff;
    }
    return named;
  }

  /** Bytes that a member takes; one that the struct only begins takes as many as there are. */
  private extentOf({ type }: Member): number {
    const inner = this.types.classify(type);
    if (inner.kind === 'array' && inner.length === 0) return Infinity;
    return this.types.sizeOf(type);
  }

  private path(type: StructBtfType, offset: number, bits: number, depth: number): string {
    for (const member of this.types.structMembers(type.ref)) {
      if (member.bitSize !== undefined) {
        if (bitsOf(member, offset) & bits) return member.name;
        continue;
      }
      const inner = this.types.classify(member.type);
      const size =
        inner.kind === 'incomplete' || inner.kind === 'void' || inner.kind === 'func'
          ? 0
          : this.types.sizeOf(member.type);
      if (offset < member.offset || offset >= member.offset + Math.max(size, 1)) continue;
      const below =
        isStruct(inner) && depth > 0 ? this.path(inner, offset - member.offset, bits, depth - 1) : '';
      if (member.name === '') return below;
      return below === '' ? member.name : `${member.name}.${below}`;
    }
    return '';
  }
}

/** The bits of a byte that a bit field is in. */
function bitsOf({ offset, bitOffset = 0, bitSize = 0 }: Member, byte: number): number {
  const first = 8 * (offset - byte) + bitOffset;
  const last = first + bitSize;
  if (last <= 0 || first >= 8) return 0;
  return (0xff >> (8 - Math.min(last, 8))) & (0xff << Math.max(first, 0));
}

/** Structs that are elements of one array: what is before and behind one are others. */
const ELEMENTS: ReadonlySet<string> = new Set(['page']);

/** Structs whose bytes others, which C knows nothing of, use in their own way: struct slab. */
const OVERLAID: ReadonlySet<string> = new Set(['page', 'folio']);

/** Elements of an array of structs that are looked into. */
const MOST_ELEMENTS = 64;

type StructBtfType = Extract<BtfType, { kind: 'struct' | 'union' }>;

/** rwlock_t and the like have no other name. */
const typedefOf = (type: BtfType): string => type.typedef ?? '';

const isStruct = (type: BtfType): type is StructBtfType => type.kind === 'struct' || type.kind === 'union';
