import type { BtfType, Field, Prototype, TypeRef } from '../../formats/btf/index.js';
import type { CTypes } from '../../kernel/abi/c-types.js';

const WORD = 1;
const ADDRESS = 2;
const ENTRY = 3;
const ENTRY_FUNCTION = 4;

const TYPES: Readonly<Record<TypeRef, BtfType>> = {
  0: { kind: 'void' },
  [WORD]: { kind: 'int', name: 'WORD', size: 4, signed: false },
  [ADDRESS]: { kind: 'ptr', to: 0, size: 8 },
  [ENTRY]: { kind: 'ptr', to: ENTRY_FUNCTION, size: 8 },
  [ENTRY_FUNCTION]: { kind: 'func', ref: ENTRY_FUNCTION },
};

/** What is to be done by a task: `struct JOB { void (*run)(void *); void *argument; WORD delay; }`. */
const JOB: Readonly<Record<string, Field>> = {
  run: { offset: 0, type: ENTRY },
  argument: { offset: 8, type: ADDRESS },
  delay: { offset: 16, type: WORD },
};

/** The types of the miniature: this system has no headers, and one struct, which is typed in. */
export const MINI_TYPES: CTypes = {
  pointerSize: 8,
  type: (name) => unknown(name),
  sizeOf: (type) => (type === 'JOB' ? 24 : unknown(String(type))),
  field: (struct, path) => JOB[path] ?? unknown(`${struct}.${path}`),
  findField: (_struct, path) => JOB[path],
  classify: (ref) => TYPES[ref],
  findPrototype: (fn): Prototype | undefined =>
    fn === ENTRY || fn === ENTRY_FUNCTION
      ? { name: 'run', result: 0, params: [{ name: 'argument', type: ADDRESS }], variadic: false }
      : undefined,
  enumValue: (name) => unknown(name),
  typeName: (ref) => TYPES[ref].kind,
};

function unknown(name: string): never {
  throw new TypeError(`this system has no ${name}`);
}
