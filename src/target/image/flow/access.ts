/** What is done to a member; bits, so that they can be put together. */
export const READ = 1;
/** Something is written that may be other than zero. */
export const WRITE = 2;
/** Zero is written, as it is in a new object. */
export const CLEAR = 4;
/** Its address goes to another function. */
export const PASS = 8;

/** How a function uses a part of a struct, which it has a pointer to or into. */
export interface Access {
  /** Name of the struct or union: the outermost one that is known. */
  readonly struct: string;
  /** Bytes from its start; below 0 where it must be part of another, as `container_of` has it. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  readonly kind: number;
  /** Where a single byte is accessed: which of its bits. */
  readonly bits: number;
  /** The analysis lost track: any part may be meant. `offset` and `size` say nothing. */
  readonly lost: boolean;
  /** For PASS: the struct that the other function takes it for; '' for no struct. */
  readonly as: string;
  /** For PASS: the place of that function; -1 where it is gone to by a pointer. */
  readonly to: number;
}

/** A call of a function by name, with what it is given for which its prototype does not tell. */
export interface Call {
  readonly place: number;
  /** By argument: pointers that are known, undefined for others. */
  readonly given: Given;
}

/** Types and offsets of pointers to structs, by the number of the argument: `undefined` where nothing is known or the prototype says it. */
export type Given = readonly (readonly TypedPointer[] | undefined)[];

export interface TypedPointer {
  readonly type: number;
  readonly offset: number;
}

/** What one function does to structs, and what it calls. */
export interface Summary {
  readonly accesses: readonly Access[];
  readonly calls: readonly Call[];
  /** Accesses by pointers of which nothing told what they point to. */
  readonly untyped: number;
}

/** Collects accesses, each once. */
export class AccessList {
  private readonly found = new Map<string, Access>();
  untyped = 0;

  add(access: Access): void {
    const { struct, offset, size, kind, bits, lost, as, to } = access;
    this.found.set(
      lost ? `${struct} lost ${kind}` : `${struct} ${offset} ${size} ${kind} ${bits} ${as} ${to}`,
      access,
    );
  }

  get all(): readonly Access[] {
    return [...this.found.values()];
  }
}
