import type { BtfType, Field, Prototype, TypeRef } from '../../formats/btf/index.js';

/** The C types of a system, by name: what structs and prototypes are looked up in. A Btf is such a source; a list of declarations can be. */
export interface CTypes {
  /** Bytes of a pointer. */
  readonly pointerSize: 4 | 8;
  /** The type of that name; throws UnknownTypeError where there is none, as the others but the `find...` forms do. */
  type(name: string): TypeRef;
  /** sizeof. */
  sizeOf(type: string | TypeRef): number;
  /** The member that a path such as `kobj.name` leads to. */
  field(struct: string | TypeRef, path: string): Field;
  findField(struct: string | TypeRef, path: string): Field | undefined;
  /** What a type is once typedefs and qualifiers are taken off. */
  classify(ref: TypeRef): BtfType;
  /** Of a function by name, a function type or a pointer to one. */
  findPrototype(func: string | TypeRef): Prototype | undefined;
  enumValue(name: string): number;
  /** The declaration of `name` as a type, or the type's own name. */
  typeName(ref: TypeRef, name?: string): string;
}
