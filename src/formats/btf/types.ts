/** A type of one {@link Btf}: its id there. 0 is void. Ids of the base mean the same in a split BTF. */
export type TypeRef = number;

/** What a type is once typedefs and qualifiers are taken off. */
export type BtfType = {
  /** The outermost typedef on the way (`size_t`, `loff_t`), where there was one. */
  readonly typedef?: string;
  /** Whether a `const` was on the way. */
  readonly isConst?: boolean;
} & (
  | { readonly kind: 'void' }
  | {
      readonly kind: 'int';
      readonly name: string;
      readonly size: number;
      readonly signed: boolean;
    }
  | { readonly kind: 'bool'; readonly size: number }
  | { readonly kind: 'float'; readonly name: string; readonly size: number }
  | { readonly kind: 'ptr'; readonly to: TypeRef; readonly size: 4 | 8 }
  | {
      readonly kind: 'enum';
      readonly name: string;
      readonly size: number;
      readonly signed: boolean;
      readonly ref: TypeRef;
    }
  | { readonly kind: 'struct' | 'union'; readonly name: string; readonly size: number; readonly ref: TypeRef }
  | { readonly kind: 'array'; readonly of: TypeRef; readonly length: number }
  | { readonly kind: 'func'; readonly ref: TypeRef }
  | { readonly kind: 'incomplete'; readonly name: string; readonly tag: 'struct' | 'union' }
);

/** One member of a struct or union, as declared. */
export interface Member {
  /** Empty for anonymous structs and unions. */
  readonly name: string;
  readonly type: TypeRef;
  /** Bytes from the start of the struct; for a bit-field, of the storage unit that holds it. */
  readonly offset: number;
  /** Bits from `offset`, least significant first. Only bit-fields have it. */
  readonly bitOffset?: number;
  readonly bitSize?: number;
}

/** Where a path leads. */
export interface Field {
  readonly offset: number;
  readonly type: TypeRef;
  readonly bitOffset?: number;
  readonly bitSize?: number;
}

export interface Parameter {
  /** Empty where the prototype names none. */
  readonly name: string;
  readonly type: TypeRef;
}

export interface Prototype {
  readonly name: string;
  readonly params: readonly Parameter[];
  readonly result: TypeRef;
  readonly variadic: boolean;
}

/** A question about a name that this kernel's types do not have. */
export class UnknownTypeError extends Error {
  override readonly name = 'UnknownTypeError';

  constructor(
    /** Whose types: the BTF's file name. */
    readonly file: string,
    readonly what: string,
  ) {
    super(`${file}: no ${what}`);
  }
}
