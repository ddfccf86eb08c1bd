import type { Btf } from '../../../formats/btf/index.js';
import { type Access, CLEAR, PASS, WRITE } from '../../../target/image/flow/access.js';
import type { Findings } from '../../../target/image/kernel-image.js';
import { StructBits } from './bit-map.js';
import type { Accesses } from './closure.js';
import { ALONE, declaredMembers, EVERYTHING, lesserMembers, NEVER_MADE } from './declared.js';
import { KEPT_MEMBERS } from './kept-members.js';
import { isEmbedded, LOCKS } from './made.js';
import type { StructMap, StructPart } from './struct-map.js';

/**
 * Functions that count as what one of TypeScript's leads to: further away is what a kernel does when memory runs out, when it
 * panics, and other things that nearly everything leads to.
 */
const NEAR = 100;

const NONE: ReadonlySet<string> = new Set();

/** To be raised whenever the analysis finds something else: surveys that others made are not taken then. */
const ANALYSIS = 8;

/** A member that a native function looks at and TypeScript does not keep. */
export interface NeglectedMember {
  readonly struct: string;
  /** Undefined where the analysis lost track of which; '' for what the struct is a part of. */
  readonly member: string | undefined;
  /** The place whose code looks at it. */
  readonly place: number;
}

/** An access, and the place whose code makes it. */
interface Seen {
  readonly access: Access;
  readonly place: number;
}

/**
 * Members that TypeScript does not keep: those that the native bodies of its functions, or what these lead to, set, and that its own
 * source does not. Whoever looks at one would find zero where the kernel has something.
 */
export class NeglectedMembers {
  private found: StructMap | undefined;
  private territory: StructBits | undefined;
  private kept: StructBits | undefined;

  constructor(
    private readonly types: Btf,
    /** The structs that TypeScript makes. */
    private readonly findMap: () => StructMap,
    private readonly accesses: Accesses,
    /** Places that are native bodies of TypeScript's functions. */
    private readonly bodies: () => Iterable<number>,
    /** Where the survey of the bodies, which takes seconds, is kept. */
    private readonly findings?: Findings,
  ) {}

  private get map(): StructMap {
    this.found ??= this.findMap();
    return this.found;
  }

  /** The first member of this kind, of the structs in question, that a function, or what it leads to, looks at. */
  lookedAt(place: number, concerns: (struct: string) => boolean): NeglectedMember | undefined {
    return this.firstNeglected(this.lookAll(place).seen, concerns);
  }

  private lookAll(place: number): { readonly seen: readonly Seen[]; readonly places: ReadonlySet<number> } {
    const seen: Seen[] = [];
    const places = this.accesses.visit(place, (access, at) => seen.push({ access, place: at }));
    return { seen, places };
  }

  /**
   * What is outside of a struct is in what contains it, and that may be anything: of TypeScript's structs one that the function, or what it
   * leads to, is known to handle.
   */
  private firstNeglected(
    seen: readonly Seen[],
    concerns: (struct: string) => boolean,
  ): NeglectedMember | undefined {
    const handled = new Set<string>();
    for (const { access } of seen)
      if (access.offset >= 0 && access.offset < this.map.sizeOf(access.struct)) handled.add(access.struct);
    for (const { access, place } of seen) {
      const found = this.neglectedIn(access, place, concerns, handled);
      if (found) return found;
    }
    return undefined;
  }

  /** As `lookedAt`, of any struct; what was found is remembered of the function and, where it was nothing, of all that it leads to. */
  enteredAt(place: number): NeglectedMember | undefined {
    const known = this.entered.get(place);
    if (known !== undefined) return known ?? undefined;
    const { seen, places } = this.lookAll(place);
    const found = this.firstNeglected(seen, () => true);
    if (found) this.entered.set(place, found);
    else for (const at of places) this.entered.set(at, null);
    return found;
  }

  /** null: nothing. */
  private readonly entered = new Map<number, NeglectedMember | null>();

  /** Bits of struct members that are neglected. */
  bitsAt(struct: string, offset: number): number {
    this.territory ??= this.survey();
    this.kept ??= this.keptBits();
    return this.territory.at(struct, offset) & ~this.kept.at(struct, offset);
  }

  private neglectedIn(
    access: Access,
    place: number,
    concerns: (struct: string) => boolean,
    handled: ReadonlySet<string>,
  ): NeglectedMember | undefined {
    if (access.lost) {
      const { struct } = access;
      if (NEVER_MADE.has(struct)) return undefined;
      return concerns(struct) && this.hasNeglected(struct) ? { struct, member: undefined, place } : undefined;
    }
    if (this.isMistaken(access) || this.accesses.isAnswered(access)) return undefined;
    // Who makes a struct zero as a whole makes it anew.
    const anew = access.kind === CLEAR ? this.map.wholesIn(access) : NONE;
    for (const { struct, offset, size } of this.partsOf(access, true)) {
      if (anew.has(struct)) continue;
      if (this.isOutside(access) && (this.isElsewhere(access, struct) || this.isKeptTail(access))) continue;
      if (!concerns(struct) || (this.isOutside(access) && !handled.has(struct))) continue;
      for (let at = offset; at < offset + size; at++) {
        const wanted = size === 1 ? access.bits : 0xff;
        let found = this.bitsAt(struct, at) & wanted;
        // Of what is accessed as a whole some bits, and the bytes between members, are nobody's.
        if (found && (found !== 0xff || !this.isOutside(access))) found &= this.map.bitsNamedAt(struct, at);
        if (found) return { struct, member: this.map.memberAt(struct, at, found), place };
      }
    }
    return undefined;
  }

  /**
   * Whether what is passed on cannot be both what it is taken for and what its receiver takes: the one is larger than what is there, and
   * neither is the beginning of the other. Registers of functions that the compiler made of others are mixed up in this way, and the head
   * of a queue stands for an element of it. The same where both are known and have not even their beginning in common.
   */
  private isMistaken({ struct, offset, kind, as }: Access): boolean {
    if (kind !== PASS || as === '' || offset < 0) return false;
    if (offset === 0 && this.map.areStrangers(struct, as)) return true;
    const room = this.map.roomAt(struct, offset);
    return room > 0 && this.map.sizeOf(as) > room && !this.map.holds(as, struct, -offset);
  }

  private isOutside({ struct, offset, size }: Access): boolean {
    return offset < 0 || offset + size > this.map.sizeOf(struct);
  }

  /** Whether what is outside of a struct says nothing of what TypeScript has round one. */
  private isElsewhere({ struct }: Access, part: string): boolean {
    return ALONE.has(struct) || (part === struct && isEmbedded(struct));
  }

  /** Whether an access is to elements behind a struct that ends in an array without a length, which TypeScript fills. */
  private isKeptTail({ struct, offset }: Access): boolean {
    const tail = this.map.tailOf(struct);
    return offset > 0 && tail !== undefined && (KEPT_MEMBERS[struct]?.[0].split(' ').includes(tail) ?? false);
  }

  private hasNeglected(struct: string): boolean {
    for (const part of this.map.partsOf({ struct, offset: 0, size: this.map.sizeOf(struct) }))
      for (let at = part.offset; at < part.offset + part.size; at++)
        if (this.bitsAt(part.struct, at)) return true;
    return false;
  }

  /** The parts that an access is to. Of what is passed on, structs inside are used by those who have them as such. */
  private partsOf({ struct, offset, size, kind, as }: Access, around: boolean): readonly StructPart[] {
    const parts = this.map.partsOf({ struct, offset, size }, around);
    if (kind !== PASS || as === '') return parts;
    if (
      this.map.structs.has(as) &&
      (this.map.holds(struct, as, offset) || this.map.holds(as, struct, -offset))
    )
      return [];
    return parts.filter((part) => part.size === size || part.struct === struct);
  }

  private survey(): StructBits {
    const bodies = [...this.bodies()];
    const key = surveyKey(bodies, this.map.structs);
    const known = this.findings?.get(key);
    if (known) return StructBits.decode(known);
    const written = this.surveyOf(bodies);
    this.findings?.put(key, written.encode());
    return written;
  }

  private surveyOf(bodies: readonly number[]): StructBits {
    const written = new StructBits();
    const told = new Set<string>();
    const note = (access: Access): void => {
      if ((access.kind & (WRITE | PASS)) === 0 || access.lost || this.isMistaken(access)) return;
      // What it is a part of nobody knows here: who looks at it in the same way may mean the same.
      for (const { struct, offset, size } of this.partsOf(access, false))
        written.add(struct, offset, size, access.bits);
    };
    for (const body of bodies) this.accesses.visit(body, note, NEAR, told);
    return written;
  }

  private keptBits(): StructBits {
    const kept = new StructBits();
    for (const struct of this.map.structs)
      for (const { offset, size } of this.map.findInside(struct, (name) => LOCKS.has(name)))
        kept.add(struct, offset, size, 0xff);
    const lesser = lesserMembers();
    for (const [struct, [set]] of Object.entries(KEPT_MEMBERS))
      for (const path of set.split(' '))
        if (path !== '' && !lesser.get(struct)?.includes(path)) this.keep(kept, struct, path);
    for (const [struct, paths] of declaredMembers())
      for (const path of paths) {
        if (path === EVERYTHING) kept.add(struct, 0, this.map.sizeOf(struct), 0xff);
        else this.keep(kept, struct, path);
      }
    return kept;
  }

  private keep(kept: StructBits, struct: string, path: string): void {
    const field = this.types.findField(struct, path);
    if (!field) return;
    const type = this.types.classify(field.type);
    if (field.bitSize !== undefined && field.bitOffset !== undefined) {
      for (let bit = field.bitOffset; bit < field.bitOffset + field.bitSize; bit++)
        this.mark(kept, { struct, offset: field.offset + (bit >> 3), size: 1 }, 1 << (bit & 7));
      return;
    }
    const inner = type.kind === 'struct' || type.kind === 'union' ? type.name : '';
    // The struct's own members are named by themselves.
    if (inner !== '' && this.map.structs.has(inner)) return;
    const named = KEPT_MEMBERS[inner]?.[0].split(' ') ?? [];
    if (inner !== '' && named.length > 0) {
      for (const below of named) if (below !== '') this.keep(kept, struct, `${path}.${below}`);
      return;
    }
    this.mark(kept, { struct, offset: field.offset, size: Math.max(1, this.types.sizeOf(field.type)) }, 0xff);
  }

  private mark(kept: StructBits, part: StructPart, bits: number): void {
    for (const { struct, offset, size } of [...this.map.partsOf(part), ...this.map.fromInside(part)])
      kept.add(struct, offset, size, bits);
  }
}

/** What a survey depends on, besides the image. */
function surveyKey(bodies: readonly number[], structs: ReadonlySet<string>): string {
  return `members ${ANALYSIS} ${NEAR} ${bodies.join(' ')} ${[...structs].sort().join(' ')}`;
}
