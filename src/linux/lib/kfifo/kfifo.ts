import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../abi/struct.js';
import { EFAULT, EINVAL, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { USER } from '../../memory-map.js';
import type { Subsystem } from '../../subsystem.js';
import { moveBytes } from '../string/bytes.js';

/** Queues in a ring (include/linux/kfifo.h). `in` and `out` count elements and wrap at 2^32. */
export class Kfifo implements Subsystem {
  private readonly type: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.type = k.struct('__kfifo');
  }

  readonly exports = {
    __kfifo_alloc: (fifo: Ptr, size: number, elementSize: number) => {
      const capacity = 2 ** Math.ceil(Math.log2(Math.max(size, 1)));
      const isUsable = capacity >= 2;
      const data = isUsable ? this.k.slab.allocateBytes(capacity * elementSize, false) : 0;
      this.set(fifo, data, data === 0 ? 0 : capacity - 1, elementSize);
      return isUsable ? (data === 0 ? -ENOMEM : 0) : -EINVAL;
    },
    __kfifo_free: (fifo: Ptr) => {
      const data = this.type.get(fifo, 'data');
      if (data !== 0) this.k.slab.free(data);
      this.set(fifo, 0, 0, 0);
    },
    __kfifo_init: (fifo: Ptr, buffer: Ptr, bytes: number, elementSize: number) => {
      const count = Math.floor(bytes / elementSize);
      const capacity = count === 0 ? 0 : 2 ** Math.floor(Math.log2(count));
      this.set(fifo, buffer, capacity < 2 ? 0 : capacity - 1, elementSize);
      return capacity < 2 ? -EINVAL : 0;
    },
    __kfifo_in: (fifo: Ptr, buf: Ptr, count: number) => {
      const taken = Math.min(count, this.unused(fifo));
      this.copyIn(fifo, buf, taken, 0);
      this.advance(fifo, 'in', taken);
      return taken;
    },
    __kfifo_out: (fifo: Ptr, buf: Ptr, count: number) => {
      const given = this.peek(fifo, buf, count);
      this.advance(fifo, 'out', given);
      return given;
    },
    __kfifo_out_peek: (fifo: Ptr, buf: Ptr, count: number) => this.peek(fifo, buf, count),
    __kfifo_from_user: (fifo: Ptr, from: Ptr, bytes: number, copied: Ptr) => {
      const size = this.type.get(fifo, 'esize');
      const count = Math.min(Math.floor(bytes / size), this.unused(fifo));
      if (!this.isUser(from, count * size)) return -EFAULT;
      this.k.space.user.within(() => this.copyIn(fifo, from, count, 0));
      this.advance(fifo, 'in', count);
      this.k.space.store32(copied, count * size);
      return 0;
    },
    __kfifo_to_user: (fifo: Ptr, to: Ptr, bytes: number, copied: Ptr) => {
      const size = this.type.get(fifo, 'esize');
      const count = Math.min(Math.floor(bytes / size), this.used(fifo));
      if (!this.isUser(to, count * size)) return -EFAULT;
      this.k.space.user.within(() => this.peek(fifo, to, count));
      this.advance(fifo, 'out', count);
      this.k.space.store32(copied, count * size);
      return 0;
    },
    __kfifo_max_r: (length: number, recordSize: number) => Math.min(length, 2 ** (8 * recordSize) - 1),
    __kfifo_len_r: (fifo: Ptr, recordSize: number) => this.recordLength(fifo, recordSize),
    __kfifo_in_r: (fifo: Ptr, buf: Ptr, length: number, recordSize: number) => {
      if (length + recordSize > this.unused(fifo)) return 0;
      this.putRecord(fifo, buf, length, recordSize);
      return length;
    },
    __kfifo_out_r: (fifo: Ptr, buf: Ptr, length: number, recordSize: number) => {
      if (this.used(fifo) === 0) return 0;
      const record = this.recordLength(fifo, recordSize);
      const given = Math.min(length, record);
      this.copyOut(fifo, buf, given, recordSize);
      this.advance(fifo, 'out', record + recordSize);
      return given;
    },
    __kfifo_out_peek_r: (fifo: Ptr, buf: Ptr, length: number, recordSize: number) => {
      if (this.used(fifo) === 0) return 0;
      const given = Math.min(length, this.recordLength(fifo, recordSize));
      this.copyOut(fifo, buf, given, recordSize);
      return given;
    },
    __kfifo_skip_r: (fifo: Ptr, recordSize: number) => {
      this.advance(fifo, 'out', this.recordLength(fifo, recordSize) + recordSize);
    },
    __kfifo_from_user_r: (fifo: Ptr, from: Ptr, length: number, copied: Ptr, recordSize: number) => {
      const bytes = Math.min(length, 2 ** (8 * recordSize) - 1);
      if (bytes + recordSize > this.unused(fifo)) {
        this.k.space.store32(copied, 0);
        return 0;
      }
      if (!this.isUser(from, bytes)) return -EFAULT;
      this.k.space.user.within(() => this.putRecord(fifo, from, bytes, recordSize));
      this.k.space.store32(copied, bytes);
      return 0;
    },
    __kfifo_to_user_r: (fifo: Ptr, to: Ptr, length: number, copied: Ptr, recordSize: number) => {
      this.k.space.store32(copied, 0);
      if (this.used(fifo) === 0) return 0;
      const record = this.recordLength(fifo, recordSize);
      const given = Math.min(length, record);
      if (!this.isUser(to, given)) return -EFAULT;
      this.k.space.user.within(() => this.copyOut(fifo, to, given, recordSize));
      this.advance(fifo, 'out', record + recordSize);
      this.k.space.store32(copied, given);
      return 0;
    },
  };

  private set(fifo: Ptr, data: Ptr, mask: number, elementSize: number): void {
    for (const member of ['in', 'out']) this.type.set(fifo, member, 0);
    this.type.set(fifo, 'esize', elementSize);
    this.type.set(fifo, 'mask', mask);
    this.type.set(fifo, 'data', data);
  }

  private used(fifo: Ptr): number {
    return (this.type.get(fifo, 'in') - this.type.get(fifo, 'out')) >>> 0;
  }

  private unused(fifo: Ptr): number {
    return this.type.get(fifo, 'mask') + 1 - this.used(fifo);
  }

  private advance(fifo: Ptr, member: 'in' | 'out', by: number): void {
    this.type.set(fifo, member, (this.type.get(fifo, member) + by) >>> 0);
  }

  /** Copies elements between a buffer and the ring, `skip` elements from its end or its start. */
  private copyIn(fifo: Ptr, from: Ptr, count: number, skip: number): void {
    this.pieces(fifo, this.type.get(fifo, 'in') + skip, count, (ring, offset, bytes) =>
      moveBytes(this.k.space, ring, from + offset, bytes),
    );
  }

  private copyOut(fifo: Ptr, to: Ptr, count: number, skip: number): void {
    this.pieces(fifo, this.type.get(fifo, 'out') + skip, count, (ring, offset, bytes) =>
      moveBytes(this.k.space, to + offset, ring, bytes),
    );
  }

  private peek(fifo: Ptr, to: Ptr, count: number): number {
    const given = Math.min(count, this.used(fifo));
    this.copyOut(fifo, to, given, 0);
    return given;
  }

  private pieces(
    fifo: Ptr,
    position: number,
    count: number,
    copy: (ring: Ptr, offset: number, bytes: number) => void,
  ): void {
    const size = this.type.get(fifo, 'esize') || 1;
    const mask = this.type.get(fifo, 'mask');
    const data = this.type.get(fifo, 'data');
    const start = (position & mask) >>> 0;
    const first = Math.min(count, mask + 1 - start);
    copy(data + start * size, 0, first * size);
    copy(data, first * size, (count - first) * size);
  }

  private recordLength(fifo: Ptr, recordSize: number): number {
    const mask = this.type.get(fifo, 'mask');
    const data = this.type.get(fifo, 'data');
    const at = this.type.get(fifo, 'out');
    let length = 0;
    for (let i = 0; i < recordSize; i++) length |= this.k.space.load8(data + ((at + i) & mask)) << (8 * i);
    return length;
  }

  private putRecord(fifo: Ptr, from: Ptr, length: number, recordSize: number): void {
    const mask = this.type.get(fifo, 'mask');
    const data = this.type.get(fifo, 'data');
    const at = this.type.get(fifo, 'in');
    for (let i = 0; i < recordSize; i++)
      this.k.space.store8(data + ((at + i) & mask), (length >>> (8 * i)) & 0xff);
    this.copyIn(fifo, from, length, recordSize);
    this.advance(fifo, 'in', length + recordSize);
  }

  private isUser(ptr: Ptr, bytes: number): boolean {
    return (
      ptr >= USER.start && ptr + bytes <= USER.start + USER.size && this.k.space.user.canRead(ptr, bytes)
    );
  }
}
