import { type AddressSpace, PAGE_KERNEL } from '../../cpu/address-space.js';
import { GRANULE, PAGE_SIZE, type Ptr, pageAlign, type Region } from '../../cpu/layout.js';
import { OutOfMemory } from '../errors.js';
import { RangeAllocator } from './range-allocator.js';

interface Buffer {
  readonly start: Ptr;
  readonly pages: number;
}

/**
 * Memory of the user process on whose behalf system calls run. A buffer ends where its last page does (up to
 * alignment) and an unmapped page follows, so that a driver that copies too much gets -EFAULT.
 */
export class UserBuffers {
  private readonly ranges: RangeAllocator;
  private readonly buffers = new Map<Ptr, Buffer>();

  constructor(
    private readonly space: AddressSpace,
    region: Region,
    /** The first address that no user process has. */
    private readonly top: bigint,
  ) {
    this.ranges = new RangeAllocator(region.start + GRANULE, region.start + region.size);
  }

  /** Zeroed memory for a buffer. `align` is a power of two. */
  allocate(bytes: number, align = 1): Ptr {
    const mapped = pageAlign(Math.max(bytes, 1));
    const pages = mapped + PAGE_SIZE;
    const start = this.ranges.allocate(pages, PAGE_SIZE);
    if (start === undefined) throw new OutOfMemory(`no room for a user buffer of ${bytes} bytes`);
    this.space.map(start, mapped, PAGE_KERNEL);
    const ptr = (start + mapped - bytes) & ~(align - 1);
    this.buffers.set(ptr, { start, pages });
    return ptr;
  }

  /** A buffer that holds a copy of `bytes`. */
  store(bytes: Uint8Array, align = 1): Ptr {
    const ptr = this.allocate(bytes.length, align);
    this.space.bytes.set(bytes, ptr);
    return ptr;
  }

  free(ptr: Ptr): void {
    const buffer = this.buffers.get(ptr);
    if (!buffer) throw new Error('not a user buffer');
    this.buffers.delete(ptr);
    this.space.unmap(buffer.start, buffer.pages - PAGE_SIZE);
    this.ranges.release(buffer.start, buffer.pages);
  }

  /** User address space for a mapping, reserved but with no memory behind it. */
  reserve(bytes: number): Ptr {
    const size = pageAlign(bytes) + PAGE_SIZE;
    const start = this.ranges.allocate(size, PAGE_SIZE);
    if (start === undefined) throw new OutOfMemory(`no room for a mapping of ${bytes} bytes`);
    return start;
  }

  unreserve(start: Ptr, bytes: number): void {
    this.ranges.release(start, pageAlign(bytes) + PAGE_SIZE);
  }

  /** Whether a range lies below the kernel's addresses. Says nothing about what is mapped. */
  accessible(ptr: Ptr, bytes: number): boolean {
    return this.space.toAddress(ptr) + BigInt(bytes) <= this.top;
  }

  /** Copies to user memory: the number of bytes that could not be copied. */
  copyTo(to: Ptr, bytes: Uint8Array): number {
    if (!this.accessible(to, bytes.length)) return bytes.length;
    const possible = this.space.user.writable(to, bytes.length);
    this.space.bytes.set(bytes.subarray(0, possible), to);
    return bytes.length - possible;
  }

  /** Copies from user memory: the bytes that could be read, fewer than asked for after a fault. */
  copyFrom(from: Ptr, count: number): Uint8Array {
    if (!this.accessible(from, count)) return new Uint8Array();
    const possible = this.space.user.readable(from, count);
    return this.space.bytes.slice(from, from + possible);
  }
}
