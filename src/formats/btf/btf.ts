import { declare } from './declare.js';
import { type Enumerator, EnumeratorIndex, enumerator } from './enums.js';
import { followPath, membersOf } from './members.js';
import { NameIndex } from './name-index.js';
import * as K from './records.js';
import { BtfRecords } from './records.js';
import { classify, sizeOf, strip } from './resolve.js';
import {
  type BtfType,
  type Field,
  type Member,
  type Prototype,
  type TypeRef,
  UnknownTypeError,
} from './types.js';
import { validateRecords } from './validate.js';

const TAGS = {
  struct: [K.KIND_STRUCT],
  union: [K.KIND_UNION],
  enum: [K.KIND_ENUM, K.KIND_ENUM64],
} as const;

const LISTED_KINDS = { ...TAGS, typedef: [K.KIND_TYPEDEF], func: [K.KIND_FUNC], var: [K.KIND_VAR] } as const;

/** What a bare name may mean, the first kind that has it wins. */
const TYPE_KINDS = [
  K.KIND_STRUCT,
  K.KIND_UNION,
  K.KIND_TYPEDEF,
  K.KIND_ENUM,
  K.KIND_ENUM64,
  K.KIND_INT,
  K.KIND_FLOAT,
];

/** Makes the error for a question about a name that the types do not have. */
type UnknownError = (what: string) => Error;

/**
 * The types of one kernel (base BTF) or of one module on top of its kernel (split BTF), see
 * Documentation/bpf/btf.rst. Opening takes some milliseconds even for a whole kernel; names are indexed at the
 * first question. Questions about names that do not exist throw {@link UnknownTypeError}; the `find...` forms
 * answer undefined instead.
 */
export class Btf {
  private names: NameIndex | undefined;
  private enumerators: EnumeratorIndex | undefined;
  private readonly fields = new Map<string, Field | string>();

  private constructor(
    readonly file: string,
    private readonly records: BtfRecords,
    /** The kernel's types, for a module's. */
    readonly base: Btf | undefined,
    private readonly unknownError: UnknownError,
  ) {}

  /** `pointerSize`: in bytes. The format does not say it. `unknownError` makes what is thrown in place of UnknownTypeError. */
  static parse(
    bytes: Uint8Array,
    file: string,
    pointerSize: 4 | 8 = 8,
    unknownError: UnknownError = (what) => new UnknownTypeError(file, what),
  ): Btf {
    return new Btf(file, new BtfRecords(bytes, file, undefined, pointerSize), undefined, unknownError);
  }

  static parseSplit(base: Btf, bytes: Uint8Array, file: string): Btf {
    const records = new BtfRecords(bytes, file, base.records, base.pointerSize);
    return new Btf(file, records, base, (what) => new UnknownTypeError(file, what));
  }

  /** Bytes of a pointer. */
  get pointerSize(): 4 | 8 {
    return this.records.pointerSize;
  }

  /** Looks at everything that this part (not its base) refers to. Throws FormatError where that is not there. */
  validate(): void {
    validateRecords(this.records);
  }

  /** One more than the highest type id, base included. */
  get typeCount(): number {
    return this.records.end;
  }

  /** The type of that name: `task_struct`, `struct task_struct`, `size_t`, `enum hrtimer_mode`, `unsigned int`. */
  findType(name: string): TypeRef | undefined {
    const [, tag, rest] = /^(struct|union|enum) +(.*)$/.exec(name) ?? [];
    return this.findKind(rest ?? name, tag === undefined ? TYPE_KINDS : TAGS[tag as keyof typeof TAGS]);
  }

  type(name: string): TypeRef {
    return this.findType(name) ?? this.unknown(`type '${name}'`);
  }

  /** Every type name of one kind that this part (not its base) defines, e.g. for listings. */
  *namesOf(kind: keyof typeof LISTED_KINDS): Generator<{ name: string; ref: TypeRef }> {
    const wanted: readonly number[] = LISTED_KINDS[kind];
    for (let ref = this.records.first; ref < this.records.end; ref++) {
      const name = this.records.name(ref);
      if (wanted.includes(this.records.kind(ref)) && name !== '') yield { name, ref };
    }
  }

  /** sizeof of a type or of the type of that name; array types count all elements. */
  sizeOf(type: string | TypeRef): number {
    const size = sizeOf(this.records, this.refOf(type));
    return (
      size ??
      this.unknown(`size of the incomplete type '${typeof type === 'string' ? type : this.typeName(type)}'`)
    );
  }

  /** The field that a path such as `kobj.name` or `lists[2].next` leads to. */
  field(struct: string | TypeRef, path: string): Field {
    const field = this.lookUpField(struct, path);
    return typeof field === 'string' ? this.unknown(`${structName(struct)}.${path}: ${field}`) : field;
  }

  findField(struct: string | TypeRef, path: string): Field | undefined {
    if (typeof struct === 'string' && this.findType(struct) === undefined) return undefined;
    const field = this.lookUpField(struct, path);
    return typeof field === 'string' ? undefined : field;
  }

  /** offsetof: bytes from the start of `struct` to the field. */
  offsetOf(struct: string | TypeRef, path: string): number {
    return this.field(struct, path).offset;
  }

  /** The members of a struct or union as declared, anonymous ones with an empty name. */
  structMembers(struct: string | TypeRef): readonly Member[] {
    const type = this.classify(this.refOf(struct));
    if (type.kind !== 'struct' && type.kind !== 'union')
      return this.unknown(`struct '${structName(struct)}'`);
    return membersOf(this.records, type.ref);
  }

  /** The value of an enumerator, whichever enum has it. */
  enumValue(name: string): number {
    const value = this.findEnumValue(name) ?? this.unknown(`enumerator '${name}'`);
    return typeof value === 'number'
      ? value
      : this.unknown(`number that holds the enumerator '${name}' (${value})`);
  }

  findEnumValue(name: string): number | bigint | undefined {
    this.enumerators ??= new EnumeratorIndex(this.records);
    return this.enumerators.find(name)?.value ?? this.base?.findEnumValue(name);
  }

  /** All enumerators of an enum, in order. */
  enumValues(type: string | TypeRef): ReadonlyMap<string, number | bigint> {
    const found = this.classify(
      typeof type === 'string' ? (this.findType(`enum ${type}`) ?? this.type(type)) : type,
    );
    if (found.kind !== 'enum') return this.unknown(`enum '${structName(type)}'`);
    const values = new Map<string, number | bigint>();
    for (let i = 0; i < this.records.vlen(found.ref); i++) {
      const { name, value }: Enumerator = enumerator(this.records, found.ref, i);
      values.set(name, value);
    }
    return values;
  }

  /** The prototype of a function by name, or of a function type or a pointer to one. */
  prototype(func: string | TypeRef): Prototype {
    return this.findPrototype(func) ?? this.unknown(`function '${func}'`);
  }

  findPrototype(func: string | TypeRef): Prototype | undefined {
    const { records } = this;
    const ref = typeof func === 'string' ? this.findKind(func, [K.KIND_FUNC]) : func;
    if (ref === undefined) return undefined;
    const name = records.kind(ref) === K.KIND_FUNC ? records.name(ref) : '';
    let type = this.classify(ref);
    if (type.kind === 'ptr') type = this.classify(type.to);
    if (type.kind !== 'func') return undefined;
    const proto = type.ref;
    if (records.kind(proto) !== K.KIND_FUNC_PROTO) records.fail(ref, 'type', 'is no function prototype');
    const params = Array.from({ length: records.vlen(proto) }, (_, i) => ({
      name: records.string(records.word(proto, 3 + i * 2)),
      type: records.word(proto, 4 + i * 2),
    }));
    // btf.rst, BTF_KIND_FUNC_PROTO: a last parameter of type 0 stands for "...".
    const variadic = params.length > 0 && params[params.length - 1].type === 0;
    if (variadic) params.pop();
    return { name, params, result: records.sizeOrType(proto), variadic };
  }

  /** The type of a variable. Kernels describe their per-CPU variables only. */
  findVariable(name: string): TypeRef | undefined {
    const ref = this.findKind(name, [K.KIND_VAR]);
    return ref === undefined ? undefined : this.records.sizeOrType(ref);
  }

  /** What a type is, with typedefs and qualifiers taken off (and remembered). */
  classify(ref: TypeRef): BtfType {
    return classify(this.records, ref);
  }

  /** The type under typedefs and qualifiers: the same ref for the same struct, however it is spelled. */
  strip(ref: TypeRef): TypeRef {
    return strip(this.records, ref);
  }

  /** The type as C writes it, `int (struct device *, const char *)`; with `name`, its declaration. */
  typeName(ref: TypeRef, name = ''): string {
    return declare(this.records, ref, name);
  }

  private findKind(name: string, kinds: readonly number[]): TypeRef | undefined {
    this.names ??= this.indexNames();
    const refs = this.names.find(name).map((entry) => entry + this.records.first);
    for (const kind of kinds) {
      const found = refs.find((ref) => this.records.kind(ref) === kind);
      if (found !== undefined) return found;
    }
    return this.base?.findKind(name, kinds);
  }

  private indexNames(): NameIndex {
    const { records } = this;
    const offsets = new Uint32Array(records.end - records.first);
    for (let ref = records.first; ref < records.end; ref++)
      offsets[ref - records.first] = records.nameOffset(ref);
    return new NameIndex(records, offsets);
  }

  private refOf(type: string | TypeRef): TypeRef {
    return typeof type === 'string' ? this.type(type) : type;
  }

  private lookUpField(struct: string | TypeRef, path: string): Field | string {
    const key = `${struct}:${path}`;
    let field = this.fields.get(key);
    if (field === undefined) {
      field = followPath(this.records, this.refOf(struct), path);
      this.fields.set(key, field);
    }
    return field;
  }

  private unknown(what: string): never {
    throw this.unknownError(what);
  }
}

function structName(struct: string | TypeRef): string {
  return typeof struct === 'string' ? struct : `type ${struct}`;
}
