import { PAGE_SIZE, type Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { compareBytes, fillBytes, moveBytes, requireReadable } from './bytes.js';

/** memcpy and its siblings (memcpy(3), memset(3), ...; lib/string.c, arch/x86/lib). */
export class Memory implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  private readonly copy = (to: Ptr, from: Ptr, bytes: number): Ptr => {
    this.k.traps.given(from, bytes, 'read');
    this.k.traps.given(to, bytes, 'write');
    moveBytes(this.k.space, to, from, bytes);
    return to;
  };

  private readonly fill = (to: Ptr, value: number, bytes: number): Ptr => {
    this.k.traps.given(to, bytes, 'write');
    fillBytes(this.k.space, to, value, bytes);
    return to;
  };

  private readonly clearPage = (page: Ptr): void => fillBytes(this.k.space, page, 0, PAGE_SIZE);

  readonly exports = {
    memcpy: this.copy,
    __memcpy: this.copy,
    memmove: this.copy,
    __memmove: this.copy,
    memset: this.fill,
    __memset: this.fill,
    memcpy_fromio: this.copy,
    memcpy_toio: this.copy,
    memset_io: this.fill,
    memcmp: (a: Ptr, b: Ptr, bytes: number) => this.compare(a, b, bytes),
    bcmp: (a: Ptr, b: Ptr, bytes: number) => this.compare(a, b, bytes),
    memchr: (ptr: Ptr, value: number, bytes: number) => this.find(ptr, value, bytes) ?? 0,
    memscan: (ptr: Ptr, value: number, bytes: number) => this.find(ptr, value, bytes) ?? ptr + bytes,
    memchr_inv: (ptr: Ptr, value: number, bytes: number) => {
      requireReadable(this.k.space, ptr, bytes);
      const memory = this.k.space.bytes;
      for (let at = ptr; at < ptr + bytes; at++) if (memory[at] !== (value & 0xff)) return at;
      return 0;
    },
    memcpy_and_pad: (to: Ptr, size: number, from: Ptr, bytes: number, pad: number) => {
      moveBytes(this.k.space, to, from, Math.min(size, bytes));
      if (size > bytes) fillBytes(this.k.space, to + bytes, pad, size - bytes);
    },
    memweight: (ptr: Ptr, bytes: number) => {
      let bits = 0;
      for (const byte of this.k.space.readable(ptr, bytes)) bits += weightOfByte(byte);
      return bits;
    },
    __memcpy_flushcache: (to: Ptr, from: Ptr, bytes: number) => {
      moveBytes(this.k.space, to, from, bytes);
    },
    copy_page: (to: Ptr, from: Ptr) => moveBytes(this.k.space, to, from, PAGE_SIZE),
    clear_page_orig: this.clearPage,
    clear_page_rep: this.clearPage,
    clear_page_erms: this.clearPage,
    __crypto_memneq: (a: Ptr, b: Ptr, bytes: number) =>
      compareBytes(this.k.space, a, b, bytes) === 0 ? 0 : 1,
    __copy_overflow: (size: number, count: number) => {
      const message = `Buffer overflow detected (${size} < ${count})!`;
      warn(this.k, message, 'mm/maccess.c:228', '__copy_overflow');
    },
  };

  readonly signatures = {
    memcpy: 'p:ppL',
    __memcpy: 'p:ppL',
    memmove: 'p:ppL',
    __memmove: 'p:ppL',
    memset: 'p:piL',
    __memset: 'p:piL',
    copy_page: 'v:pp',
    clear_page_orig: 'v:p',
    clear_page_rep: 'v:p',
    clear_page_erms: 'v:p',
  };

  private compare(a: Ptr, b: Ptr, bytes: number): number {
    this.k.traps.given(a, bytes, 'read');
    this.k.traps.given(b, bytes, 'read');
    return compareBytes(this.k.space, a, b, bytes);
  }

  private find(ptr: Ptr, value: number, bytes: number): Ptr | undefined {
    requireReadable(this.k.space, ptr, bytes);
    const at = this.k.space.bytes.subarray(ptr, ptr + bytes).indexOf(value & 0xff);
    return at < 0 ? undefined : ptr + at;
  }
}

function weightOfByte(byte: number): number {
  let bits = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) bits++;
  return bits;
}
