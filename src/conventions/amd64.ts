import type { AddressSpace } from '../cpu/address-space.js';
import { type CpuContract, HOST_RETURN, RAX, RSP } from '../cpu/cpu-types.js';
import type { Ptr } from '../cpu/layout.js';
import type { Convention, Reader, VarArgs } from '../kernel/abi/convention.js';
import { convert } from '../kernel/abi/convert.js';
import type { Code } from '../kernel/abi/signature.js';
import type { Value } from '../kernel/effects.js';

export const WORD = 8;
/** What is left free above a task's first frame. */
const TOP_OF_STACK = 64;

/** What conventions of 64-bit x86 have in common: the return address on the stack, integer results in RAX. */
export abstract class Amd64 implements Convention {
  constructor(
    protected readonly cpu: CpuContract,
    protected readonly space: AddressSpace,
  ) {}

  /** Registers of the first arguments, in order. */
  protected abstract readonly argumentRegisters: readonly number[];
  /** Bytes from the call being served's stack to its argument `index`, if that is on the stack. */
  protected abstract stackOffset(index: number): number;
  /** Bytes that a caller sets aside above the return address for so many arguments. */
  protected abstract argumentArea(count: number): number;
  abstract vaList(list: Ptr): VarArgs;
  abstract paramsOf(size: number): readonly Code[];
  abstract resultOf(size: number): Code;

  readers(params: readonly Code[]): Reader[] {
    return params.map((code, index) => {
      if (code === 's') throw new TypeError('structs passed on the stack need a reader of their own');
      const register = this.argumentRegisters[index];
      return register === undefined
        ? this.fromStack(this.stackOffset(index), code)
        : this.fromRegister(register, code);
    });
  }

  varargs(params: readonly Code[]): VarArgs {
    const { cpu, space, stack } = this;
    const registers = this.argumentRegisters.map((register) => cpu.get(register));
    let index = params.length;
    return varArgs(space, () => {
      const at = index++;
      return at < registers.length ? registers[at] : space.load64(stack + this.stackOffset(at));
    });
  }

  get stackArguments(): Ptr {
    return this.stack + this.stackOffset(this.argumentRegisters.length);
  }

  finisher(result: Code, name: string): (value: Value) => void {
    const { cpu } = this;
    if (result === 'v') return () => {};
    return (value) => {
      if (typeof value === 'number') {
        if (result === 'p') this.returnPtr(value);
        else cpu.set(RAX, BigInt.asUintN(64, BigInt(Math.trunc(value))));
      } else if (typeof value === 'bigint') cpu.set(RAX, BigInt.asUintN(64, value));
      else if (typeof value === 'boolean') cpu.set(RAX, value ? 1n : 0n);
      else throw new TypeError(`${name} gave no result`);
    };
  }

  result(code: Code): number | bigint | boolean {
    return code === 'p' ? this.cpu.getPtr(RAX) : convert(this.cpu.get(RAX), code);
  }

  enter(fn: Ptr, args: readonly bigint[]): bigint {
    const { cpu, space, argumentRegisters } = this;
    const frame = cpu.get(RSP);
    // RSP + 8 is a multiple of 16 where a function begins.
    const stack = ((this.stack - this.argumentArea(args.length)) & ~15) - WORD;
    args.forEach((arg, i) => {
      if (i < argumentRegisters.length) cpu.set(argumentRegisters[i], arg);
      else space.store64(stack + this.stackOffset(i), arg);
    });
    space.store64(stack, HOST_RETURN);
    this.stack = stack;
    // System V: how many vector registers a variadic function is given. Elsewhere it means nothing.
    cpu.set(RAX, 0n);
    cpu.rip = space.toAddress(fn);
    return frame;
  }

  leave(frame: bigint): void {
    this.cpu.set(RSP, frame);
  }

  returnAddress(): Ptr {
    return this.space.loadPtr(this.stack);
  }

  returnToCaller(): void {
    const { stack } = this;
    this.cpu.rip = this.space.load64(stack);
    this.stack = stack + WORD;
  }

  get stack(): Ptr {
    return this.cpu.getPtr(RSP);
  }

  set stack(value: Ptr) {
    this.cpu.setPtr(RSP, value);
  }

  begin(top: Ptr): void {
    this.stack = top - TOP_OF_STACK;
  }

  private returnPtr(value: Ptr): void {
    if (value < 0) this.cpu.set(RAX, BigInt.asUintN(64, BigInt(value)));
    else this.cpu.setPtr(RAX, value);
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
    const { space } = this;
    if (code === 'p') return () => space.loadPtr(this.stack + offset);
    return () => convert(space.load64(this.stack + offset), code);
  }
}

/** Words one after the other, wherever they come from. */
export function varArgs(space: AddressSpace, next64: () => bigint): VarArgs {
  return {
    next64,
    nextPtr: () => space.fromAddress(next64()),
    nextInt: () => Number(BigInt.asIntN(32, next64())),
  };
}
