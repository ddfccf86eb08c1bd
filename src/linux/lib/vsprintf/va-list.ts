import type { AddressSpace } from '../../../cpu/address-space.js';
import type { Ptr } from '../../../cpu/layout.js';
import type { VarArgs } from '../../../kernel/abi/convention.js';

/** Offsets in struct __va_list_tag and the size of its register part (System V AMD64 ABI, 3.5.7). */
const OVERFLOW_AREA = 8;
const SAVE_AREA = 16;
const REGISTER_BYTES = 48;

/** The arguments of a va_list that stays where it is: va_copy and va_arg. */
export function copyVaList(space: AddressSpace, list: Ptr): VarArgs {
  let offset = space.load32(list);
  let overflow = space.loadPtr(list + OVERFLOW_AREA);
  const registers = space.loadPtr(list + SAVE_AREA);
  return varArgs(space, () => {
    let at: Ptr;
    if (offset < REGISTER_BYTES) {
      at = registers + offset;
      offset += 8;
    } else {
      at = overflow;
      overflow += 8;
    }
    return space.load64(at);
  });
}

/** Arguments given by TypeScript: numbers are integers, not pointers. */
export function listOf(space: AddressSpace, values: readonly (number | bigint)[]): VarArgs {
  let index = 0;
  return varArgs(space, () => BigInt.asUintN(64, BigInt(values[index++] ?? 0)));
}

function varArgs(space: AddressSpace, next64: () => bigint): VarArgs {
  return {
    next64,
    nextPtr: () => space.fromAddress(next64()),
    nextInt: () => Number(BigInt.asIntN(32, next64())),
  };
}
