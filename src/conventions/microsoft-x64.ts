import { R8, R9, RCX, RDX } from '../cpu/cpu-types.js';
import type { Ptr } from '../cpu/layout.js';
import type { VarArgs } from '../kernel/abi/convention.js';
import { type Code, integerCode } from '../kernel/abi/signature.js';
import type { Value } from '../kernel/effects.js';
import { Amd64, varArgs, WORD } from './amd64.js';

/** Every caller leaves room for the arguments in registers ("home space"). */
const HOMES = 4;

/**
 * The x64 calling convention of Microsoft's compilers, for words and pointers (Microsoft's "x64 calling convention"). Not here:
 * floating point arguments, and XMM6 to XMM15, which a callee keeps: a context that is saved must have them.
 */
export class MicrosoftX64 extends Amd64 {
  protected readonly argumentRegisters = [RCX, RDX, R8, R9];

  protected stackOffset(index: number): number {
    return WORD + index * WORD;
  }

  protected argumentArea(count: number): number {
    return Math.max(count, HOMES) * WORD;
  }

  /** A va_list is the address of the next argument: whoever made it does not see that it is advanced. */
  vaList(list: Ptr): VarArgs {
    let at = list;
    return varArgs(this.space, () => {
      at += WORD;
      return this.space.load64(at - WORD);
    });
  }

  /** Structs of 1, 2, 4 or 8 bytes travel as integers, of others the address of a copy does. */
  paramsOf(size: number): readonly Code[] {
    if (size === 0) return [];
    return [isWord(size) ? integerCode(size, false) : 'p'];
  }

  resultOf(size: number): Code {
    if (!isWord(size)) throw new TypeError(`a struct of ${size} bytes as a result is not implemented`);
    return integerCode(size, false);
  }

  override finisher(result: Code, name: string): (value: Value) => void {
    if (result === 'w') throw new TypeError(`${name}: a struct of two words is no result of this convention`);
    return super.finisher(result, name);
  }
}

const isWord = (size: number): boolean => size === 1 || size === 2 || size === 4 || size === 8;
