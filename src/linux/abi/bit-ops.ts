import type { AddressSpace } from '../../cpu/address-space.js';
import type { Ptr } from '../../cpu/layout.js';

/** test_bit(): a bit of a bitmap in guest memory, such as an `unsigned long` of flags. */
export function testBit(space: AddressSpace, map: Ptr, bit: number): boolean {
  return ((space.load8(map + (bit >>> 3)) >> (bit & 7)) & 1) !== 0;
}

/** set_bit() or clear_bit(). */
export function changeBit(space: AddressSpace, map: Ptr, bit: number, on: boolean): void {
  const at = map + (bit >>> 3);
  const mask = 1 << (bit & 7);
  const old = space.load8(at);
  space.store8(at, on ? old | mask : old & ~mask);
}
