import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { withLocals } from '../../kernel/task/locals.js';
import { EINVAL, ENODEV, ENOIOCTLCMD, ENOTTY, ESPIPE } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { FMODE_LSEEK, SEEK_CUR, SEEK_END, SEEK_SET } from './flags.js';
import type { Operation, OperationTable } from './guest-ops.js';
import { IovIter } from './iov-iter.js';
import type { FileServer, OpenFile } from './open-file.js';
import type { Slice } from './slice.js';

/** loff_t of an unbounded fsync range. */
const LONGEST = (1n << 63n) - 1n;
/** kiocb.ki_flags of a write (include/linux/fs.h). */
const IOCB_WRITE = 1 << 18;

/** Serves an open file by calling operations in guest memory, as fs/read_write.c and its neighbours do. */
export class GuestServer implements FileServer {
  constructor(
    private readonly k: LinuxKernel,
    private readonly operations: OperationTable,
  ) {}

  canRead(): boolean {
    return this.has('read') || this.has('read_iter');
  }

  canWrite(): boolean {
    return this.has('write') || this.has('write_iter');
  }

  *read(open: OpenFile, to: Slice): Sleepable<number> {
    return yield* this.transfer('read', open, to);
  }

  *write(open: OpenFile, from: Slice): Sleepable<number> {
    return yield* this.transfer('write', open, from);
  }

  *seek(open: OpenFile, offset: number, whence: number): Sleepable<number> {
    if (this.has('llseek')) return yield* this.operations.call('llseek', open.file, offset, whence);
    const type = this.k.struct('file');
    if ((type.get(open.file, 'f_mode') & FMODE_LSEEK) === 0) return -ESPIPE;
    const base = whence === SEEK_CUR ? type.get(open.file, 'f_pos') : 0;
    if (whence !== SEEK_SET && whence !== SEEK_CUR && whence !== SEEK_END) return -EINVAL;
    if (whence === SEEK_END || base + offset < 0) return -EINVAL;
    type.set(open.file, 'f_pos', base + offset);
    return base + offset;
  }

  *ioctl(open: OpenFile, command: number, arg: bigint): Sleepable<number> {
    if (!this.has('ioctl')) return -ENOTTY;
    const result = yield* this.operations.call('ioctl', open.file, command >>> 0, arg);
    return result === -ENOIOCTLCMD ? -ENOTTY : result;
  }

  *poll(open: OpenFile, table: Ptr): Sleepable<number> {
    return this.has('poll') ? yield* this.operations.call('poll', open.file, table) : DEFAULT_POLL_MASK;
  }

  *mmap(open: OpenFile, vma: Ptr): Sleepable<number> {
    return this.has('mmap') ? yield* this.operations.call('mmap', open.file, vma) : -ENODEV;
  }

  *fsync(open: OpenFile, dataOnly: boolean): Sleepable<number> {
    if (!this.has('fsync')) return -EINVAL;
    return yield* this.operations.call('fsync', open.file, 0, LONGEST, dataOnly);
  }

  *flush(open: OpenFile): Sleepable<number> {
    return this.has('flush') ? yield* this.operations.call('flush', open.file, this.k.current) : 0;
  }

  *release(open: OpenFile): Sleepable<void> {
    const inode = this.k.struct('file').get(open.file, 'f_inode');
    if (this.has('release')) yield* this.operations.call('release', inode, open.file);
  }

  private has(operation: Operation): boolean {
    return this.operations.get(operation) !== 0;
  }

  private *transfer(kind: 'read' | 'write', open: OpenFile, slice: Slice): Sleepable<number> {
    if (this.has(kind) && slice.owner === 'user') return yield* this.direct(kind, open, slice);
    return this.has(`${kind}_iter`) ? yield* this.iterate(kind, open, slice) : -EINVAL;
  }

  /** ->read or ->write with a user buffer and a position of its own. */
  private *direct(kind: 'read' | 'write', open: OpenFile, slice: Slice): Sleepable<number> {
    const { k, operations } = this;
    return yield* withLocals(k, 8, function* (at) {
      k.space.storeLong(at, slice.position);
      const result = yield* operations.call(kind, open.file, slice.buffer, slice.count, at);
      if (result >= 0) slice.position = k.space.loadS64(at);
      return result;
    });
  }

  /** ->read_iter or ->write_iter with a kiocb and an iov_iter of one segment. */
  private *iterate(kind: 'read' | 'write', open: OpenFile, slice: Slice): Sleepable<number> {
    const { k, operations } = this;
    const kiocb = k.struct('kiocb');
    const iter = k.struct('iov_iter');
    const at = { iter: kiocb.size, vector: kiocb.size + iter.size };
    const write = kind === 'write';
    return yield* withLocals(k, at.vector + 16, function* (base) {
      kiocb.set(base, 'ki_filp', open.file);
      kiocb.set(base, 'ki_pos', slice.position);
      kiocb.set(base, 'ki_flags', k.struct('file').get(open.file, 'f_iocb_flags') | (write ? IOCB_WRITE : 0));
      k.space.storePtr(base + at.vector, slice.buffer);
      k.space.storeLong(base + at.vector + 8, slice.count);
      const iters = k.get(IovIter);
      if (slice.owner === 'kernel') iters.initKernel(base + at.iter, write, base + at.vector, 1, slice.count);
      else iters.initUser(base + at.iter, write, base + at.vector, 1, slice.count);
      const result = yield* operations.call(`${kind}_iter`, base, base + at.iter);
      if (result > 0) slice.position = kiocb.get(base, 'ki_pos');
      return result;
    });
  }
}

/** What files without a poll operation answer: always readable and writable (DEFAULT_POLLMASK). */
export const DEFAULT_POLL_MASK = 0x145;
