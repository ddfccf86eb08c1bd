import type { TypeRef } from '../../formats/btf/index.js';
import type { CTypes } from './c-types.js';
import type { StructPassing } from './convention.js';

/**
 * How one argument or result travels between guest registers and TypeScript:
 *
 *     p  pointer                       -> Ptr
 *     i  int, u unsigned int           -> number
 *     l  long, L unsigned long         -> number, exact to 2^53
 *     q  s64, Q u64                    -> bigint, exact
 *     h, H, c, C  16- and 8-bit        -> number
 *     b  bool                          -> boolean
 *     v  nothing
 *     w  a struct of two words, as a result  -> a pair of bigints
 *     s  a struct passed in memory     -> Ptr of the copy on the stack
 */
export type Code = 'p' | 'i' | 'u' | 'l' | 'L' | 'q' | 'Q' | 'h' | 'H' | 'c' | 'C' | 'b' | 'v' | 'w' | 's';

export interface Signature {
  readonly result: Code;
  readonly params: readonly Code[];
  readonly variadic: boolean;
}

/** Parses `result:params`, with a trailing `.` for variadic functions: `i:pp.` is int f(ptr, ptr, ...). */
export function parseSignature(text: string): Signature {
  const match = /^([piulLqQhHcCbvw]):([piulLqQhHcCbs]*)(\.?)$/.exec(text);
  if (!match) throw new SyntaxError(`bad signature '${text}'`);
  return { result: match[1] as Code, params: [...match[2]] as Code[], variadic: match[3] === '.' };
}

/** The signature of a function by name, or of a function type or a pointer to one. Undefined if there is no prototype for it. */
export function signatureFromTypes(
  types: CTypes,
  func: string | TypeRef,
  structs: StructPassing,
): Signature | undefined {
  const prototype = types.findPrototype(func);
  if (!prototype) return undefined;
  return {
    result: isStruct(types, prototype.result)
      ? structs.resultOf(types.sizeOf(prototype.result))
      : codeOf(types, prototype.result),
    params: prototype.params.flatMap(({ type }) =>
      isStruct(types, type) ? structs.paramsOf(types.sizeOf(type)) : [codeOf(types, type)],
    ),
    variadic: prototype.variadic,
  };
}

function isStruct(types: CTypes, ref: TypeRef): boolean {
  const { kind } = types.classify(ref);
  return kind === 'struct' || kind === 'union';
}

function codeOf(types: CTypes, ref: TypeRef): Code {
  const type = types.classify(ref);
  switch (type.kind) {
    case 'void':
      return 'v';
    case 'ptr':
    case 'array':
    case 'func':
      return 'p';
    case 'bool':
      return 'b';
    case 'int':
    case 'enum':
      return integerCode(type.size, type.signed);
    default:
      throw new TypeError(`a value of kind ${type.kind} cannot be passed`);
  }
}

/** Of an integer of so many bytes, and of a struct that travels as one. */
export function integerCode(size: number, signed: boolean): Code {
  if (size > 4) return signed ? 'l' : 'L';
  if (size > 2) return signed ? 'i' : 'u';
  if (size > 1) return signed ? 'h' : 'H';
  return signed ? 'c' : 'C';
}

/** A function's C declaration as the target's types have it, '' where they have none. */
export function prototypeText(types: CTypes, name: string): string {
  const prototype = types.findPrototype(name);
  if (!prototype) return '';
  const params = prototype.params.map((param) => types.typeName(param.type, param.name));
  if (prototype.variadic) params.push('...');
  return types.typeName(prototype.result, `${name}(${params.join(', ') || 'void'})`);
}
