import type { Prototype } from '../../../formats/btf/index.js';
import type { Layouts } from './layouts.js';

/** Numbers of registers, as instructions have them. */
export const REGISTER = { rax: 0, rcx: 1, rsp: 4, rbp: 5, rsi: 6, rdi: 7 } as const;

/** Registers of the arguments: rdi, rsi, rdx, rcx, r8, r9 (System V ABI). */
export const ARGUMENTS = [7, 6, 2, 1, 8, 9] as const;
/** Registers that a call leaves undefined, besides rax. */
export const SCRATCH = [1, 2, 6, 7, 8, 9, 10, 11] as const;

/** How code that is gone to by a name that is no function's behaves. */
export type Thunk = 'return' | 'indirect';

export function thunkOf(name: string): Thunk | undefined {
  if (/^__x86_return_thunk$|^(srso|retbleed|its)_(alias_)?return_thunk$/.test(name)) return 'return';
  if (/^__x86_indirect_(call_|jump_|its_)?thunk/.test(name)) return 'indirect';
  return undefined;
}

/** Assembler that is called in the middle of what a compiler believes to be one instruction: it keeps all registers but its results. */
const KEEPS_REGISTERS =
  /^(__sw_hweight(32|64)|__fentry__|__(get|put)_user_\w+|(__SCT__)?preempt_schedule(_notrace)?(_thunk)?|__x86_call_depth\w*)$/;

export const keepsRegisters = (name: string): boolean => KEEPS_REGISTERS.test(name);

/** Functions that work on so many bytes: the number of the argument that has the count, of what is written and read. */
export interface ByteFunction {
  readonly count: number;
  readonly writes?: number;
  readonly reads: readonly number[];
  /** The argument that has the byte to fill with. */
  readonly fills?: number;
}

const BYTE_FUNCTIONS = new Map<string, ByteFunction>([
  ['memset', { count: 2, writes: 0, reads: [], fills: 1 }],
  ['memcpy', { count: 2, writes: 0, reads: [1] }],
  ['memmove', { count: 2, writes: 0, reads: [1] }],
  ['memcmp', { count: 2, reads: [0, 1] }],
  ['bcmp', { count: 2, reads: [0, 1] }],
  ['memchr', { count: 2, reads: [0] }],
  ['memchr_inv', { count: 2, reads: [0] }],
  ['memzero_explicit', { count: 1, writes: 0, reads: [] }],
]);

export const byteFunction = (name: string): ByteFunction | undefined =>
  BYTE_FUNCTIONS.get(name.replace(/^__/, ''));

/** An argument in a register. */
export interface RegisterArgument {
  /** What it points to, where the type tells. */
  readonly pointee: number | undefined;
}

/** What is in the registers of the arguments of a prototype. Structs of more than 16 bytes are on the stack. */
export function registerArguments(prototype: Prototype, layouts: Layouts): readonly RegisterArgument[] {
  const registers: RegisterArgument[] = [];
  for (const { type } of prototype.params) {
    const pointee = layouts.pointee(type);
    if (pointee !== undefined) {
      registers.push({ pointee: layouts.tells(pointee) ? pointee : undefined });
      continue;
    }
    const size = layouts.sizeOf(type);
    if (size <= 16) for (let bytes = 0; bytes < size; bytes += 8) registers.push({ pointee: undefined });
  }
  return registers.slice(0, ARGUMENTS.length);
}
