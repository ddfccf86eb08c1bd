import type { AddressSpace } from '../../../cpu/address-space.js';
import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';

/** What a StructType offers, without its privates: tests give layouts of their own. */
export type StructView = Omit<Pick<StructType, keyof StructType>, 'call' | 'callBig' | 'bind' | 'signature'>;

/** How %p prints a code address: `S` name+offset/size, `s` name, `B` the same for a return address. */
export type SymbolStyle = 'S' | 's' | 'B';

/** What formatting needs from the kernel around it. */
export interface FormatContext {
  readonly space: AddressSpace;
  struct(name: string): StructView;
  /** An option of the target's configuration, undefined where it is not set. */
  option(name: string): string | undefined;
  /** Value of an enumerator of the target. */
  enumerator(name: string): number | undefined;
  /** Text of %pS and its kin. */
  symbol(address: bigint, style: SymbolStyle): string;
  /** What %p shows instead of an address. */
  hashPointer(address: bigint): bigint;
  /** WARN_ONCE() about a bad format. */
  warnOnce(message: string): void;
}

/** An address that check_pointer refuses to read: NULL, the first page, error pointers. */
export function badPointer(address: bigint): string | undefined {
  if (address === 0n) return '(null)';
  if (address < 4096n || isErrorValue(address)) return '(efault)';
  return undefined;
}

/** IS_ERR_VALUE (include/linux/err.h). */
export function isErrorValue(address: bigint): boolean {
  return address >= (1n << 64n) - 4095n;
}

/** Bytes of guest memory as a string of characters 0 to 255; reads no further than a NUL or `limit`. */
export function boundedString(space: AddressSpace, ptr: Ptr, limit: number): string {
  return limit < 0 ? space.cstring(ptr) : space.cstring(ptr, limit);
}
