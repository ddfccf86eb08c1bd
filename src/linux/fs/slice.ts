import type { Ptr } from '../../cpu/layout.js';
import { EFAULT } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { UserMemory } from '../mm/user-memory.js';

/** Whose memory a transfer's buffer is: the user process's, or kernel code's own. */
export type BufferOwner = 'user' | 'kernel';

/** One transfer between a file and memory, as struct kiocb and struct iov_iter describe it to the kernel's own functions. */
export class Slice {
  constructor(
    private readonly k: LinuxKernel,
    readonly buffer: Ptr,
    /** Bytes that are wanted, or there to be written. */
    readonly count: number,
    /** Where in the file; moved on by what was transferred. */
    public position: number,
    readonly owner: BufferOwner,
  ) {}

  /** copy_to_iter(): hands over what was read, up to the first byte that cannot be written. How many; -EFAULT where none could. */
  put(bytes: Uint8Array): number {
    const done = bytes.length - this.copyTo(bytes);
    if (done === 0 && bytes.length > 0) return -EFAULT;
    this.position += done;
    return done;
  }

  /** copy_from_iter_full(): all that is to be written; undefined where it cannot be read. */
  take(): Uint8Array | undefined {
    const { k, buffer, count } = this;
    if (this.owner === 'kernel') return k.space.readable(buffer, count).slice();
    const bytes = k.get(UserMemory).copyFrom(buffer, count);
    return bytes.length < count ? undefined : bytes;
  }

  private copyTo(bytes: Uint8Array): number {
    const { k, buffer } = this;
    if (this.owner === 'user') return k.get(UserMemory).copyTo(buffer, bytes);
    k.space.writable(buffer, bytes.length).set(bytes);
    return 0;
  }
}
