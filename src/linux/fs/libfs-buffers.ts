import type { Ptr } from '../../cpu/layout.js';
import { EFAULT, EINVAL } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { UserMemory } from '../mm/user-memory.js';
import type { Subsystem } from '../subsystem.js';

/** Reading and writing files that are a buffer in memory (fs/libfs.c). */
export class BufferFiles implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    simple_read_from_buffer: (to: Ptr, count: number, position: Ptr, from: Ptr, available: number) =>
      this.readFrom(to, count, position, from, available),
    simple_write_to_buffer: (to: Ptr, available: number, position: Ptr, from: Ptr, count: number) =>
      this.writeTo(to, available, position, from, count),
    memory_read_from_buffer: (to: Ptr, count: number, position: Ptr, from: Ptr, available: number) =>
      this.copyFrom(to, count, position, from, available),
  };

  readFrom(to: Ptr, count: number, position: Ptr, from: Ptr, available: number): number {
    const { space } = this.k;
    const at = space.loadS64(position);
    if (at < 0) return -EINVAL;
    if (at >= available || count === 0) return 0;
    const wanted = Math.min(count, available - at);
    const missing = this.k.get(UserMemory).copyTo(to, space.readable(from + at, wanted));
    if (missing === wanted) return -EFAULT;
    space.storeLong(position, at + wanted - missing);
    return wanted - missing;
  }

  private copyFrom(to: Ptr, count: number, position: Ptr, from: Ptr, available: number): number {
    const { space } = this.k;
    const at = space.loadS64(position);
    if (at < 0) return -EINVAL;
    if (at >= available) return 0;
    const bytes = Math.min(count, available - at);
    space.writable(to, bytes).set(space.readable(from + at, bytes));
    space.storeLong(position, at + bytes);
    return bytes;
  }

  private writeTo(to: Ptr, available: number, position: Ptr, from: Ptr, count: number): number {
    const { space } = this.k;
    const at = space.loadS64(position);
    if (at < 0) return -EINVAL;
    if (at >= available || count === 0) return 0;
    const wanted = Math.min(count, available - at);
    const bytes = this.k.get(UserMemory).copyFrom(from, wanted);
    // copy_from_user clears what it could not fill.
    const room = space.writable(to + at, wanted);
    room.set(bytes);
    room.fill(0, bytes.length);
    if (bytes.length === 0) return -EFAULT;
    space.storeLong(position, at + bytes.length);
    return bytes.length;
  }
}
