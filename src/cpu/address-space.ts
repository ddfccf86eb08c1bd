import { GuestPages, LONG_ACCESS } from './guest-pages.js';
import { GRANULE, GRANULE_SHIFT, GUEST_LIMIT, type Ptr } from './layout.js';

export { PAGE_KERNEL, PAGE_KERNEL_RO, PAGE_KERNEL_ROX, type Permissions } from './guest-pages.js';

/** Characters of a text that are made at once. */
const TEXT_CHUNK = 4096;

/**
 * Guest memory as the base kernel and the interpreter see it: its pages, and values in them by `Ptr` (see layout.ts). Accessors check
 * permissions and throw GuestFault; little-endian, any alignment.
 */
export class AddressSpace extends GuestPages {
  load8(ptr: Ptr): number {
    this.check(this.readTable, ptr, 1, 'read');
    return this.bytes[ptr];
  }

  load16(ptr: Ptr): number {
    this.check(this.readTable, ptr, 2, 'read');
    return this.view.getUint16(ptr, true);
  }

  /** Unsigned. */
  load32(ptr: Ptr): number {
    this.check(this.readTable, ptr, 4, 'read');
    return this.view.getUint32(ptr, true);
  }

  loadInt32(ptr: Ptr): number {
    this.check(this.readTable, ptr, 4, 'read');
    return this.view.getInt32(ptr, true);
  }

  /** Unsigned. */
  load64(ptr: Ptr): bigint {
    this.check(this.readTable, ptr, 8, 'read');
    return this.view.getBigUint64(ptr, true);
  }

  /** An unsigned 64-bit value as a number: exact up to 2^53. */
  loadU64(ptr: Ptr): number {
    this.check(this.readTable, ptr, 8, 'read');
    return this.view.getUint32(ptr + 4, true) * 2 ** 32 + this.view.getUint32(ptr, true);
  }

  /** A signed 64-bit value as a number: exact within 2^53. */
  loadS64(ptr: Ptr): number {
    this.check(this.readTable, ptr, 8, 'read');
    return this.view.getInt32(ptr + 4, true) * 2 ** 32 + this.view.getUint32(ptr, true);
  }

  loadPtr(ptr: Ptr): Ptr {
    this.check(this.readTable, ptr, 8, 'read');
    return this.fromHalves(this.view.getUint32(ptr, true), this.view.getUint32(ptr + 4, true));
  }

  /** A pointer of 32-bit code: the upper half of its address is 0. */
  loadPtr32(ptr: Ptr): Ptr {
    return this.fromHalves(this.load32(ptr), 0);
  }

  store8(ptr: Ptr, value: number): void {
    this.check(this.writeTable, ptr, 1, 'write');
    this.bytes[ptr] = value;
  }

  store16(ptr: Ptr, value: number): void {
    this.check(this.writeTable, ptr, 2, 'write');
    this.view.setUint16(ptr, value, true);
  }

  store32(ptr: Ptr, value: number): void {
    this.check(this.writeTable, ptr, 4, 'write');
    this.view.setUint32(ptr, value, true);
  }

  store64(ptr: Ptr, value: bigint): void {
    this.check(this.writeTable, ptr, 8, 'write');
    this.view.setBigUint64(ptr, value, true);
  }

  /** Stores an integer of either sign as 64 bits. */
  storeLong(ptr: Ptr, value: number): void {
    this.check(this.writeTable, ptr, 8, 'write');
    this.view.setUint32(ptr, value >>> 0, true);
    this.view.setInt32(ptr + 4, Math.floor(value / 2 ** 32), true);
  }

  storePtr(ptr: Ptr, value: Ptr): void {
    this.check(this.writeTable, ptr, 8, 'write');
    if (value >= GRANULE && value < GUEST_LIMIT) {
      this.view.setUint32(ptr, value ^ 0x8000_0000, true);
      this.view.setUint32(ptr + 4, this.granuleUpper[value >>> GRANULE_SHIFT], true);
    } else this.view.setBigUint64(ptr, this.toAddress(value), true);
  }

  /** Stores the lower half of a pointer's address. */
  storePtr32(ptr: Ptr, value: Ptr): void {
    this.store32(ptr, Number(this.toAddress(value) & 0xffff_ffffn));
  }

  /** A view, not a copy, of `size` readable bytes. */
  readable(ptr: Ptr, size: number): Uint8Array {
    this.check(this.readTable, ptr, size, 'read');
    return this.bytes.subarray(ptr, ptr + size);
  }

  /** A view of `size` writable bytes. */
  writable(ptr: Ptr, size: number): Uint8Array {
    this.check(this.writeTable, ptr, size, 'write');
    return this.bytes.subarray(ptr, ptr + size);
  }

  /** A NUL-terminated string as bytes decoded one to one (latin-1); at most `limit` bytes. */
  cstring(ptr: Ptr, limit = Number.POSITIVE_INFINITY): string {
    const end = ptr + this.cstringLength(ptr, limit);
    let text = '';
    for (let at = ptr; at < end; at += TEXT_CHUNK)
      text += String.fromCharCode(...this.bytes.subarray(at, Math.min(at + TEXT_CHUNK, end)));
    return text;
  }

  /** strnlen(): bytes before the NUL, at most `limit`. */
  cstringLength(ptr: Ptr, limit = Number.POSITIVE_INFINITY): number {
    for (let at = ptr; at < ptr + limit; at++) {
      if (at === ptr || (at & (LONG_ACCESS - 1)) === 0) this.check(this.readTable, at, 1, 'read');
      if (this.bytes[at] === 0) return at - ptr;
    }
    return limit;
  }

  /** Writes the characters' low bytes and a NUL. */
  storeCstring(ptr: Ptr, text: string): void {
    const out = this.writable(ptr, text.length + 1);
    for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
    out[text.length] = 0;
  }
}
