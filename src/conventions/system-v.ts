import { R8, R9, RAX, RCX, RDI, RDX, RSI } from '../cpu/cpu-types.js';
import type { Ptr } from '../cpu/layout.js';
import type { StructPassing, VarArgs } from '../kernel/abi/convention.js';
import { type Code, integerCode } from '../kernel/abi/signature.js';
import type { Value } from '../kernel/effects.js';
import { Amd64, varArgs, WORD } from './amd64.js';

/** Bytes of the register save area that integer arguments take (3.5.7). */
const SAVED_REGISTERS = 48;

/** Structs of up to 16 bytes travel in registers, others on the stack (3.2.3). */
export const SYSTEM_V_STRUCTS: StructPassing = {
  paramsOf(size) {
    if (size === 0) return [];
    if (size > 2 * WORD) return ['s'];
    return size > WORD ? ['Q', 'Q'] : [integerCode(size, false)];
  },
  resultOf(size) {
    if (size > 2 * WORD) throw new TypeError(`a struct of ${size} bytes as a result is not implemented`);
    return size > WORD ? 'w' : integerCode(size, false);
  },
};

/** The calling convention of the System V AMD64 ABI, 3.2, for what kernels pass: words, pointers and pairs of them. */
export class SystemV extends Amd64 {
  protected readonly argumentRegisters = [RDI, RSI, RDX, RCX, R8, R9];

  protected stackOffset(index: number): number {
    return WORD + (index - this.argumentRegisters.length) * WORD;
  }

  protected argumentArea(count: number): number {
    return Math.max(count - this.argumentRegisters.length, 0) * WORD;
  }

  /** struct __va_list_tag (3.5.7). */
  vaList(list: Ptr): VarArgs {
    const { space } = this;
    return varArgs(space, () => {
      const offset = space.load32(list);
      if (offset < SAVED_REGISTERS) {
        space.store32(list, offset + WORD);
        return space.load64(space.loadPtr(list + 16) + offset);
      }
      const overflow = space.loadPtr(list + 8);
      space.storePtr(list + 8, overflow + WORD);
      return space.load64(overflow);
    });
  }

  paramsOf(size: number): readonly Code[] {
    return SYSTEM_V_STRUCTS.paramsOf(size);
  }

  resultOf(size: number): Code {
    return SYSTEM_V_STRUCTS.resultOf(size);
  }

  override finisher(result: Code, name: string): (value: Value) => void {
    return result === 'w' ? (value) => this.finishPair(value, name) : super.finisher(result, name);
  }

  /** A struct of two words comes back in RAX and RDX (3.2.3). */
  private finishPair(value: Value, name: string): void {
    if (!Array.isArray(value)) throw new TypeError(`${name} gave no pair of words`);
    [RAX, RDX].forEach((register, i) => {
      this.cpu.set(register, BigInt.asUintN(64, value[i]));
    });
  }
}
