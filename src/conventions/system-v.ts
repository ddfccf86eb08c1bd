import type { AddressSpace } from '../cpu/address-space.js';
import { type CpuContract, HOST_RETURN, R8, R9, RAX, RCX, RDI, RDX, RSI, RSP } from '../cpu/cpu-types.js';
import type { Ptr } from '../cpu/layout.js';
import type { Convention, Reader, VarArgs } from '../kernel/abi/convention.js';
import { convert } from '../kernel/abi/convert.js';
import type { Code } from '../kernel/abi/signature.js';
import type { Value } from '../kernel/effects.js';

const ARGUMENT_REGISTERS = [RDI, RSI, RDX, RCX, R8, R9] as const;
const WORD = 8;
/** Bytes of the register save area that integer arguments take (System V AMD64 ABI, 3.5.7). */
const SAVED_REGISTERS = 48;
/** What is left free above a task's first frame. */
const TOP_OF_STACK = 64;

/** The calling convention of the System V AMD64 ABI, 3.2, for what kernels pass: words, pointers and pairs of them. */
export class SystemV implements Convention {
  constructor(
    private readonly cpu: CpuContract,
    private readonly space: AddressSpace,
  ) {}

  readers(params: readonly Code[]): Reader[] {
    let register = 0;
    let stackOffset = WORD;
    return params.map((code) => {
      if (code === 's') throw new TypeError('structs passed on the stack need a reader of their own');
      if (register < ARGUMENT_REGISTERS.length)
        return this.fromRegister(ARGUMENT_REGISTERS[register++], code);
      const offset = stackOffset;
      stackOffset += WORD;
      return this.fromStack(offset, code);
    });
  }

  varargs(params: readonly Code[]): VarArgs {
    const { cpu, space } = this;
    const registers = ARGUMENT_REGISTERS.map((register) => cpu.get(register));
    let index = params.length;
    const stack = this.stackArguments;
    const next64 = (): bigint => {
      const at = index++;
      return at < registers.length ? registers[at] : space.load64(stack + (at - registers.length) * WORD);
    };
    return varArgs(space, next64);
  }

  /** struct __va_list_tag (3.5.7). */
  vaList(list: Ptr): VarArgs {
    const { space } = this;
    const next64 = (): bigint => {
      const offset = space.load32(list);
      if (offset < SAVED_REGISTERS) {
        space.store32(list, offset + WORD);
        return space.load64(space.loadPtr(list + 16) + offset);
      }
      const overflow = space.loadPtr(list + 8);
      space.storePtr(list + 8, overflow + WORD);
      return space.load64(overflow);
    };
    return varArgs(space, next64);
  }

  get stackArguments(): Ptr {
    return this.stack + WORD;
  }

  finisher(result: Code, name: string): (value: Value) => void {
    const { cpu } = this;
    if (result === 'v') return () => {};
    if (result === 'w') return (value) => this.finishPair(value, name);
    return (value) => {
      if (typeof value === 'number') {
        if (result === 'p') this.returnPtr(value);
        else cpu.set(RAX, BigInt.asUintN(64, BigInt(Math.trunc(value))));
      } else if (typeof value === 'bigint') cpu.set(RAX, BigInt.asUintN(64, value));
      else if (typeof value === 'boolean') cpu.set(RAX, value ? 1n : 0n);
      else throw new TypeError(`${name} gave no result`);
    };
  }

  /** A struct of two words comes back in RAX and RDX (3.2.3). */
  private finishPair(value: Value, name: string): void {
    if (!Array.isArray(value)) throw new TypeError(`${name} gave no pair of words`);
    [RAX, RDX].forEach((register, i) => {
      this.cpu.set(register, BigInt.asUintN(64, value[i]));
    });
  }

  result(code: Code): number | bigint | boolean {
    return code === 'p' ? this.cpu.getPtr(RAX) : convert(this.cpu.get(RAX), code);
  }

  enter(fn: Ptr, args: readonly bigint[]): bigint {
    const { cpu, space } = this;
    const frame = cpu.get(RSP);
    const onStack = args.slice(ARGUMENT_REGISTERS.length);
    // RSP + 8 is a multiple of 16 where a function begins (3.2.2).
    let stack = (cpu.getPtr(RSP) - onStack.length * WORD) & ~15;
    onStack.forEach((arg, i) => {
      space.store64(stack + i * WORD, arg);
    });
    args.slice(0, ARGUMENT_REGISTERS.length).forEach((arg, i) => {
      cpu.set(ARGUMENT_REGISTERS[i], arg);
    });
    stack -= WORD;
    space.store64(stack, HOST_RETURN);
    cpu.setPtr(RSP, stack);
    // AL: how many vector registers a variadic function is given.
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
