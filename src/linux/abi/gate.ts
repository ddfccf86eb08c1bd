import type { AddressSpace } from '../../cpu/address-space.js';
import { type CpuContract, R8, R9, RAX, RCX, RDI, RDX, RSI, RSP } from '../../cpu/cpu-types.js';
import type { Ptr } from '../../cpu/layout.js';
import type { Value } from '../../kernel/effects.js';
import type { Code, Signature } from './signature.js';

const ARGUMENT_REGISTERS = [RDI, RSI, RDX, RCX, R8, R9] as const;

// Parameters are contravariant: only `never` lets functions of any parameter types into one table.
export type AnyFunction = (...args: never[]) => unknown;
type Reader = () => number | bigint | boolean;

/** The variable arguments of a call, in order: of `...`, or of a `va_list` that guest code made. */
export interface VarArgs {
  next64(): bigint;
  nextPtr(): Ptr;
  /** Signed 32-bit. */
  nextInt(): number;
}

/** Turns a TypeScript function into one that reads its arguments from guest registers and the guest stack. */
export class Gate {
  constructor(
    private readonly cpu: CpuContract,
    private readonly space: AddressSpace,
  ) {}

  invoker(signature: Signature, fn: AnyFunction): () => unknown {
    const readers = this.readers(signature.params);
    const call = fn as unknown as (...args: unknown[]) => unknown;
    const [a, b, c, d] = readers;
    switch (readers.length) {
      case 0:
        return () => call();
      case 1:
        return () => call(a());
      case 2:
        return () => call(a(), b());
      case 3:
        return () => call(a(), b(), c());
      case 4:
        return () => call(a(), b(), c(), d());
      default:
        return () => call(...readers.map((read) => read()));
    }
  }

  /** Stores a function's result where the ABI wants it. */
  finisher(signature: Signature, name: string): (value: Value) => void {
    const { cpu } = this;
    const code = signature.result;
    if (code === 'v') return () => {};
    return (value) => {
      if (typeof value === 'number') {
        if (code === 'p') this.returnPtr(value);
        else cpu.set(RAX, BigInt.asUintN(64, BigInt(Math.trunc(value))));
      } else if (typeof value === 'bigint') cpu.set(RAX, BigInt.asUintN(64, value));
      else if (typeof value === 'boolean') cpu.set(RAX, value ? 1n : 0n);
      else throw new TypeError(`${name} gave no result`);
    };
  }

  /** The variable arguments of the call being served, after `params` named ones. Take it before sleeping. */
  varargs(params: readonly Code[]): VarArgs {
    const { cpu, space } = this;
    const registers = ARGUMENT_REGISTERS.map((register) => cpu.get(register));
    let index = params.length;
    const stack = cpu.getPtr(RSP) + 8;
    const next64 = (): bigint => {
      const at = index++;
      return at < registers.length ? registers[at] : space.load64(stack + (at - registers.length) * 8);
    };
    return varArgs(space, next64);
  }

  /** The arguments of a `va_list`: struct __va_list_tag of the System V AMD64 ABI, 3.5.7. Advances it. */
  vaList(list: Ptr): VarArgs {
    const { space } = this;
    const next64 = (): bigint => {
      const offset = space.load32(list);
      if (offset < 48) {
        space.store32(list, offset + 8);
        return space.load64(space.loadPtr(list + 16) + offset);
      }
      const overflow = space.loadPtr(list + 8);
      space.storePtr(list + 8, overflow + 8);
      return space.load64(overflow);
    };
    return varArgs(space, next64);
  }

  private returnPtr(value: Ptr): void {
    if (value < 0) this.cpu.set(RAX, BigInt.asUintN(64, BigInt(value)));
    else this.cpu.setPtr(RAX, value);
  }

  private readers(params: readonly Code[]): Reader[] {
    let register = 0;
    let stackOffset = 8;
    return params.map((code) => {
      if (code === 's') throw new TypeError('structs passed on the stack need a reader of their own');
      if (register < ARGUMENT_REGISTERS.length)
        return this.fromRegister(ARGUMENT_REGISTERS[register++], code);
      const offset = stackOffset;
      stackOffset += 8;
      return this.fromStack(offset, code);
    });
  }

  private fromRegister(register: number, code: Code): Reader {
    const { cpu } = this;
    switch (code) {
      case 'p':
        return () => cpu.getPtr(register);
      case 'i':
        return () => cpu.getInt(register);
      case 'u':
        return () => cpu.getInt(register) >>> 0;
      default:
        return () => convert(cpu.get(register), code);
    }
  }

  private fromStack(offset: number, code: Code): Reader {
    const { cpu, space } = this;
    if (code === 'p') return () => space.loadPtr(cpu.getPtr(RSP) + offset);
    return () => convert(space.load64(cpu.getPtr(RSP) + offset), code);
  }
}

function varArgs(space: AddressSpace, next64: () => bigint): VarArgs {
  return {
    next64,
    nextPtr: () => space.fromAddress(next64()),
    nextInt: () => Number(BigInt.asIntN(32, next64())),
  };
}

/** A raw 64-bit register as the C type that `code` stands for. */
export function convert(raw: bigint, code: Code): number | bigint | boolean {
  switch (code) {
    case 'i':
      return Number(BigInt.asIntN(32, raw));
    case 'u':
      return Number(BigInt.asUintN(32, raw));
    case 'l':
      return Number(BigInt.asIntN(64, raw));
    case 'L':
      return Number(raw);
    case 'q':
      return BigInt.asIntN(64, raw);
    case 'Q':
      return raw;
    case 'h':
      return Number(BigInt.asIntN(16, raw));
    case 'H':
      return Number(BigInt.asUintN(16, raw));
    case 'c':
      return Number(BigInt.asIntN(8, raw));
    case 'C':
      return Number(BigInt.asUintN(8, raw));
    case 'b':
      return (raw & 0xffn) !== 0n;
    default:
      throw new TypeError(`cannot convert to '${code}'`);
  }
}
