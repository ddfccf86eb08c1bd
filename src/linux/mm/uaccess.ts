import { RAX, RCX, RDI, RDX } from '../../cpu/cpu-types.js';
import { PAGE_SIZE, type Ptr, pageAlign } from '../../cpu/layout.js';
import { EFAULT, ENODEV } from '../errno.js';
import { errPtr } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import { RAM, USER } from '../memory-map.js';
import type { Subsystem } from '../subsystem.js';
import { UserMemory } from './user-memory.js';

const U64 = (value: number): bigint => BigInt.asUintN(64, BigInt(value));

/**
 * Copies between kernel and user memory (Documentation/core-api/mm-api.rst, "User Space Memory Access"). Only
 * addresses of the user region can succeed; a copy stops at the first byte that is not accessible.
 */
export class Uaccess implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    _copy_to_user: (to: Ptr, from: Ptr, count: number) => this.toUser(to, from, count),
    _copy_from_user: (to: Ptr, from: Ptr, count: number) => this.fromUser(to, from, count),
    __copy_user_nocache: (to: Ptr, from: Ptr, count: number) => this.fromUser(to, from, count),
    copy_user_generic_unrolled: (to: Ptr, from: Ptr, count: number) => this.either(to, from, count),
    copy_user_generic_string: (to: Ptr, from: Ptr, count: number) => this.either(to, from, count),
    copy_user_enhanced_fast_string: (to: Ptr, from: Ptr, count: number) => this.either(to, from, count),
    rep_movs_alternative: (to: Ptr, from: Ptr, count: number) => this.either(to, from, count),
    check_zeroed_user: (from: Ptr, count: number) => this.isZeroed(from, count),
    strncpy_from_user: (to: Ptr, from: Ptr, count: number) => this.stringFromUser(to, from, count),
    strnlen_user: (from: Ptr, count: number) => this.stringLength(from, count),
    copy_from_kernel_nofault: (to: Ptr, from: Ptr, count: number) => this.noFault(to, from, count),
    copy_to_kernel_nofault: (to: Ptr, from: Ptr, count: number) => this.noFault(to, from, count),
    copy_to_user_nofault: (to: Ptr, from: Ptr, count: number) =>
      this.toUser(to, from, count) === 0 ? 0 : -EFAULT,
    copy_from_user_nofault: (to: Ptr, from: Ptr, count: number) =>
      this.fromUser(to, from, count) === 0 ? 0 : -EFAULT,
    clear_user_erms: () => this.clearRegisters(),
    clear_user_rep_good: () => this.clearRegisters(),
    clear_user_original: () => this.clearRegisters(),
    vm_mmap: (file: Ptr, _address: Ptr, bytes: number) =>
      file === 0 ? this.map(pageAlign(bytes)) : errPtr(ENODEV),
    vm_munmap: (start: Ptr, bytes: number) => this.unmap(start, pageAlign(bytes)),
    __get_user_1: () => this.getUser(1),
    __get_user_2: () => this.getUser(2),
    __get_user_4: () => this.getUser(4),
    __get_user_8: () => this.getUser(8),
    __get_user_nocheck_1: () => this.getUser(1),
    __get_user_nocheck_2: () => this.getUser(2),
    __get_user_nocheck_4: () => this.getUser(4),
    __get_user_nocheck_8: () => this.getUser(8),
    __put_user_1: () => this.putUser(1),
    __put_user_2: () => this.putUser(2),
    __put_user_4: () => this.putUser(4),
    __put_user_8: () => this.putUser(8),
    __put_user_nocheck_1: () => this.putUser(1),
    __put_user_nocheck_2: () => this.putUser(2),
    __put_user_nocheck_4: () => this.putUser(4),
    __put_user_nocheck_8: () => this.putUser(8),
  };

  readonly signatures = {
    vm_mmap: 'p:ppLLLL',
    vm_munmap: 'i:pL',
    __copy_user_nocache: 'l:ppL',
    copy_user_generic_unrolled: 'L:ppu',
    copy_user_generic_string: 'L:ppu',
    copy_user_enhanced_fast_string: 'L:ppu',
    rep_movs_alternative: 'L:ppL',
    __put_user_nocheck_1: 'v:',
    __put_user_nocheck_2: 'v:',
    __put_user_nocheck_4: 'v:',
    __put_user_nocheck_8: 'v:',
  };

  /** The body of an inlined clear_user(): RDI and RCX are where and how much, and afterwards what is left. */
  private clearRegisters(): void {
    const { cpu, space } = this.k;
    const to = cpu.get(RDI);
    const count = Number(cpu.get(RCX));
    const left = this.clear(space.fromAddress(to), count);
    cpu.set(RCX, U64(left));
    cpu.set(RDI, to + U64(count - left));
  }

  /** Pages of anonymous mappings that are still there, by where the mapping begins. */
  private readonly mappings = new Map<Ptr, Set<Ptr>>();

  private map(bytes: number): Ptr {
    const start = this.k.get(UserMemory).allocate(bytes, PAGE_SIZE);
    const pages = Array.from({ length: bytes / PAGE_SIZE }, (_, i) => start + i * PAGE_SIZE);
    this.mappings.set(start, new Set(pages));
    return start;
  }

  /** vm_munmap(): any pages, of any mappings. */
  private unmap(from: Ptr, bytes: number): number {
    for (const [start, pages] of this.mappings) {
      for (const page of [...pages])
        if (page >= from && page < from + bytes) {
          this.k.space.unmap(page, PAGE_SIZE);
          pages.delete(page);
        }
      if (pages.size > 0) continue;
      this.mappings.delete(start);
      this.k.get(UserMemory).free(start);
    }
    return 0;
  }

  /** Bytes that could not be copied. */
  toUser(to: Ptr, from: Ptr, count: number): number {
    const { space } = this.k;
    const writable = this.k.space.user.writable(to, count);
    // All of a machine's memory can be read: what belongs to nobody is a fault here, not the end of a copy.
    const possible =
      from >= RAM.start && from < RAM.start + RAM.size ? writable : space.readableFrom(from, writable);
    this.k.traps.given(from, possible, 'read');
    if (possible > 0) space.bytes.set(space.readable(from, possible), to);
    return count - possible;
  }

  /** Bytes that could not be copied; the kernel buffer is zero-filled from there. */
  fromUser(to: Ptr, from: Ptr, count: number): number {
    const possible = this.k.space.user.readable(from, count);
    this.k.traps.given(to, count, 'write');
    const out = this.k.space.writable(to, count);
    out.set(this.k.space.bytes.subarray(from, from + possible));
    out.fill(0, possible);
    return count - possible;
  }

  private either(to: Ptr, from: Ptr, count: number): number {
    return inUser(to) ? this.toUser(to, from, count) : this.fromUser(to, from, count);
  }

  private clear(to: Ptr, count: number): number {
    const possible = this.k.space.user.writable(to, count);
    this.k.space.bytes.fill(0, to, to + possible);
    return count - possible;
  }

  /** 1 if every byte is zero, 0 if not, -EFAULT if they cannot be read. */
  private isZeroed(from: Ptr, count: number): number {
    const readable = this.k.space.user.readable(from, count);
    if (readable < count) return -EFAULT;
    return this.k.space.bytes.subarray(from, from + count).every((byte) => byte === 0) ? 1 : 0;
  }

  private stringFromUser(to: Ptr, from: Ptr, count: number): number {
    for (let i = 0; i < count; i++) {
      if (!this.k.space.user.canRead(from + i)) return -EFAULT;
      const byte = this.k.space.bytes[from + i];
      this.k.space.store8(to + i, byte);
      if (byte === 0) return i;
    }
    return count;
  }

  /** Length with the NUL; 0 on a fault, more than `count` if there is no NUL. */
  private stringLength(from: Ptr, count: number): number {
    for (let i = 0; i < count; i++) {
      if (!this.k.space.user.canRead(from + i)) return 0;
      if (this.k.space.bytes[from + i] === 0) return i + 1;
    }
    return count + 1;
  }

  private noFault(to: Ptr, from: Ptr, count: number): number {
    if (!this.k.space.canRead(from, count) || !this.k.space.canWrite(to, count)) return -EFAULT;
    this.k.space.bytes.copyWithin(to, from, from + count);
    return 0;
  }

  /** Pointer in RAX; error in RAX, value in RDX (arch/x86/lib/getuser.S). */
  private getUser(size: number): void {
    const { cpu, space } = this.k;
    const ptr = cpu.getPtr(RAX);
    const bad = !space.user.canRead(ptr, size);
    cpu.set(RDX, bad ? 0n : this.load(ptr, size));
    cpu.set(RAX, bad ? U64(-EFAULT) : 0n);
  }

  /** Pointer in RCX, value in RAX; error in RCX (arch/x86/lib/putuser.S). */
  private putUser(size: number): void {
    const { cpu, space } = this.k;
    const ptr = cpu.getPtr(RCX);
    if (!space.user.canWrite(ptr, size)) {
      cpu.set(RCX, U64(-EFAULT));
      return;
    }
    const value = cpu.get(RAX);
    for (let i = 0; i < size; i++) space.bytes[ptr + i] = Number((value >> BigInt(8 * i)) & 0xffn);
    cpu.set(RCX, 0n);
  }

  private load(ptr: Ptr, size: number): bigint {
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.k.space.bytes[ptr + i]);
    return value;
  }
}

function inUser(ptr: Ptr): boolean {
  return ptr >= USER.start && ptr <= USER.start + USER.size;
}
