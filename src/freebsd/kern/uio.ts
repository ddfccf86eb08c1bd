import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EFAULT, EINVAL, ENAMETOOLONG } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Malloc } from './malloc.js';
import { UserMemory } from './user-memory.js';

/** What moves data between the kernel and a process: copyin(9), uio(9) (sys/kern/subr_uio.c, sys/amd64/amd64/copyout.c). */
export class Uio implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    copyin: (from: Ptr, to: Ptr, bytes: number) => this.copyin(from, to, bytes),
    copyout: (from: Ptr, to: Ptr, bytes: number) => this.copyout(from, to, bytes),
    copyin_nofault: (from: Ptr, to: Ptr, bytes: number) => this.copyin(from, to, bytes),
    copyout_nofault: (from: Ptr, to: Ptr, bytes: number) => this.copyout(from, to, bytes),
    copyinstr: (from: Ptr, to: Ptr, most: number, lengthAt: Ptr) => this.copyinstr(from, to, most, lengthAt),
    copystr: (from: Ptr, to: Ptr, most: number, lengthAt: Ptr) => this.copystr(from, to, most, lengthAt),
    fubyte: (at: Ptr) => this.fetch(at, 1),
    fuword16: (at: Ptr) => this.fetch(at, 2),
    fueword: (at: Ptr, to: Ptr) => this.fetchTo(at, to, 8),
    fueword32: (at: Ptr, to: Ptr) => this.fetchTo(at, to, 4),
    fueword64: (at: Ptr, to: Ptr) => this.fetchTo(at, to, 8),
    subyte: (at: Ptr, value: number) => this.put(at, BigInt(value), 1),
    suword16: (at: Ptr, value: number) => this.put(at, BigInt(value), 2),
    suword: (at: Ptr, value: bigint) => this.put(at, value, 8),
    suword32: (at: Ptr, value: bigint) => this.put(at, value, 4),
    suword64: (at: Ptr, value: bigint) => this.put(at, value, 8),
    uiomove: (at: Ptr, bytes: number, uio: Ptr) => this.move(at, bytes, uio),
    uiomove_nofault: (at: Ptr, bytes: number, uio: Ptr) => this.move(at, bytes, uio),
    uiomove_frombuf: (buffer: Ptr, size: number, uio: Ptr) => this.moveFromBuffer(buffer, size, uio),
    ureadc: (byte: number, uio: Ptr) => this.putByte(byte, uio),
    cloneuio: (uio: Ptr) => this.clone(uio),
    freeuio: (uio: Ptr) => this.k.get(Malloc).free(uio, this.k.variable('M_IOV')),
  };

  readonly signatures = {
    copyin: 'i:ppL',
    copyout: 'i:ppL',
    copyinstr: 'i:ppLp',
    suword: 'i:pQ',
    suword32: 'i:pQ',
    suword64: 'i:pQ',
    ureadc: 'i:ip',
  };

  private get user(): UserMemory {
    return this.k.get(UserMemory);
  }

  copyin(from: Ptr, to: Ptr, bytes: number): number {
    if (bytes === 0) return 0;
    const data = this.user.copyFrom(from, bytes);
    this.k.trap.given(to, bytes, 'write');
    this.k.space.writable(to, bytes).set(data);
    return data.length < bytes ? EFAULT : 0;
  }

  copyout(from: Ptr, to: Ptr, bytes: number): number {
    if (bytes === 0) return 0;
    this.k.trap.given(from, bytes, 'read');
    return this.user.copyTo(to, this.k.space.readable(from, bytes)) > 0 ? EFAULT : 0;
  }

  private copyinstr(from: Ptr, to: Ptr, most: number, lengthAt: Ptr): number {
    const data = this.user.copyFrom(from, most);
    const end = data.indexOf(0);
    const copied = end < 0 ? data : data.subarray(0, end + 1);
    this.k.space.writable(to, copied.length).set(copied);
    if (lengthAt !== 0) this.k.space.storeLong(lengthAt, copied.length);
    if (end >= 0) return 0;
    return data.length < most ? EFAULT : ENAMETOOLONG;
  }

  private copystr(from: Ptr, to: Ptr, most: number, lengthAt: Ptr): number {
    const length = this.k.space.cstringLength(from, most);
    const bytes = Math.min(length + 1, most);
    this.k.space.writable(to, bytes).set(this.k.space.readable(from, bytes));
    if (lengthAt !== 0) this.k.space.storeLong(lengthAt, bytes);
    return length < most ? 0 : ENAMETOOLONG;
  }

  private fetch(at: Ptr, bytes: 1 | 2): number {
    const data = this.user.copyFrom(at, bytes);
    if (data.length < bytes) return -1;
    return bytes === 1 ? data[0] : data[0] | (data[1] << 8);
  }

  private fetchTo(at: Ptr, to: Ptr, bytes: number): number {
    const data = this.user.copyFrom(at, bytes);
    if (data.length < bytes) return -1;
    this.k.space.writable(to, bytes).set(data);
    return 0;
  }

  private put(at: Ptr, value: bigint, bytes: number): number {
    const data = new Uint8Array(8);
    new DataView(data.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
    return this.user.copyTo(at, data.subarray(0, bytes)) > 0 ? -1 : 0;
  }

  /** uiomove(9): EFAULT where user memory is not there. With UIO_NOCOPY only the uio moves on. */
  *move(at: Ptr, bytes: number, uio: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('uio');
    const reading = type.get(uio, 'uio_rw') === k.enumValue('UIO_READ');
    const segment = type.get(uio, 'uio_segflg');
    const userspace = segment === k.enumValue('UIO_USERSPACE');
    const nothing = segment === k.enumValue('UIO_NOCOPY');
    let from = at;
    let left = bytes;
    while (left > 0 && type.get(uio, 'uio_resid') > 0) {
      const iov = type.get(uio, 'uio_iov');
      const vector = k.struct('iovec');
      const room = vector.get(iov, 'iov_len');
      if (room === 0) {
        type.set(uio, 'uio_iov', iov + vector.size);
        type.set(uio, 'uio_iovcnt', type.get(uio, 'uio_iovcnt') - 1);
        continue;
      }
      const count = Math.min(room, left);
      const base = vector.get(iov, 'iov_base');
      const error = nothing ? 0 : this.transfer(from, base, count, reading, userspace);
      if (error !== 0) return error;
      vector.set(iov, 'iov_base', base + count);
      vector.set(iov, 'iov_len', room - count);
      type.set(uio, 'uio_resid', type.get(uio, 'uio_resid') - count);
      type.set(uio, 'uio_offset', type.get(uio, 'uio_offset') + count);
      from += count;
      left -= count;
    }
    yield* [];
    return 0;
  }

  private transfer(kernel: Ptr, other: Ptr, bytes: number, reading: boolean, userspace: boolean): number {
    if (userspace) return reading ? this.copyout(kernel, other, bytes) : this.copyin(other, kernel, bytes);
    const { space, trap } = this.k;
    const [from, to] = reading ? [kernel, other] : [other, kernel];
    trap.given(from, bytes, 'read');
    trap.given(to, bytes, 'write');
    space.writable(to, bytes).set(space.readable(from, bytes).slice());
    return 0;
  }

  private *moveFromBuffer(buffer: Ptr, size: number, uio: Ptr): Sleepable<number> {
    const type = this.k.struct('uio');
    const [offset, resid] = [type.get(uio, 'uio_offset'), type.get(uio, 'uio_resid')];
    if (resid < 0 || offset < 0) return EINVAL;
    if (resid === 0 || offset >= size) return 0;
    return yield* this.move(buffer + offset, size - offset, uio);
  }

  private *putByte(byte: number, uio: Ptr): Sleepable<number> {
    const at = this.k.slab.allocateBytes(1, false);
    this.k.space.store8(at, byte);
    const error = yield* this.move(at, 1, uio);
    this.k.slab.free(at);
    return error;
  }

  private clone(uio: Ptr): Ptr {
    const { k } = this;
    const type = k.struct('uio');
    const vectors = type.get(uio, 'uio_iovcnt') * k.sizeOf('iovec');
    const at = k.get(Malloc).malloc(type.size + vectors, k.variable('M_IOV'), k.macro('M_WAITOK'));
    k.space.bytes.copyWithin(at, uio, uio + type.size);
    const from = type.get(uio, 'uio_iov');
    k.space.bytes.copyWithin(at + type.size, from, from + vectors);
    type.set(at, 'uio_iov', at + type.size);
    return at;
  }
}
