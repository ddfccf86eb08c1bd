import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL, ENODEV, ENOIOCTLCMD, ENOTTY, ESPIPE } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { FMODE_LSEEK, SEEK_CUR, SEEK_END, SEEK_SET } from './flags.js';
import type { Operation, OperationTable } from './guest-ops.js';
import { IovIter } from './iov-iter.js';
import { withLocals } from './locals.js';
import type { FileServer, OpenFile, Position } from './open-file.js';

/** loff_t of an unbounded fsync range. */
const LONGEST = (1n << 63n) - 1n;
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

  *read(open: OpenFile, buffer: Ptr, count: number, position: Position, kernel: boolean): Sleepable<number> {
    if (this.has('read') && !kernel) return yield* this.transfer('read', open, buffer, count, position);
    if (!this.has('read_iter')) return -EINVAL;
    return yield* this.iterate(false, open, buffer, count, position, kernel);
  }

  *write(open: OpenFile, buffer: Ptr, count: number, position: Position, kernel: boolean): Sleepable<number> {
    if (this.has('write') && !kernel) return yield* this.transfer('write', open, buffer, count, position);
    if (!this.has('write_iter')) return -EINVAL;
    return yield* this.iterate(true, open, buffer, count, position, kernel);
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

  /** ->read or ->write with a user buffer and a position of its own. */
  private *transfer(
    operation: 'read' | 'write',
    open: OpenFile,
    buffer: Ptr,
    count: number,
    position: Position,
  ): Sleepable<number> {
    const { k, operations } = this;
    return yield* withLocals(k, 8, function* (at) {
      k.space.storeLong(at, position.value);
      const result = yield* operations.call(operation, open.file, buffer, count, at);
      if (result >= 0) position.value = k.space.loadS64(at);
      return result;
    });
  }

  /** ->read_iter or ->write_iter with a kiocb and an iov_iter of one segment. */
  private *iterate(
    write: boolean,
    open: OpenFile,
    buffer: Ptr,
    count: number,
    position: Position,
    kernel: boolean,
  ): Sleepable<number> {
    const { k, operations } = this;
    const kiocb = k.struct('kiocb');
    const iter = k.struct('iov_iter');
    const at = { iter: kiocb.size, vector: kiocb.size + iter.size };
    return yield* withLocals(k, at.vector + 16, function* (base) {
      kiocb.set(base, 'ki_filp', open.file);
      kiocb.set(base, 'ki_pos', position.value);
      kiocb.set(base, 'ki_flags', k.struct('file').get(open.file, 'f_iocb_flags') | (write ? IOCB_WRITE : 0));
      k.space.storePtr(base + at.vector, buffer);
      k.space.storeLong(base + at.vector + 8, count);
      const iters = k.get(IovIter);
      if (kernel) iters.initKernel(base + at.iter, write, base + at.vector, 1, count);
      else iters.initUser(base + at.iter, write, base + at.vector, 1, count);
      const result = yield* operations.call(write ? 'write_iter' : 'read_iter', base, base + at.iter);
      if (result > 0) position.value = kiocb.get(base, 'ki_pos');
      return result;
    });
  }
}

/** What files without a poll operation answer: always readable and writable (DEFAULT_POLLMASK). */
export const DEFAULT_POLL_MASK = 0x145;
