import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL, ENODEV, ENOTTY, ESPIPE } from '../../kernel/errno.js';
import type { LinuxKernel } from '../kernel.js';
import { FMODE_LSEEK, SEEK_CUR, SEEK_END, SEEK_SET } from './flags.js';
import type { OperationTable } from './guest-ops.js';
import { IovIter } from './iov-iter.js';
import { withLocals } from './locals.js';
import type { FileServer, OpenFile, Position } from './open-file.js';

const ENOIOCTLCMD = 515;
const LONGEST = (1n << 63n) - 1n;
/** loff_t of an unbounded fsync range. */
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
    const read = this.operations.get('read');
    const readIter = this.operations.get('read_iter');
    if (read !== 0 && !kernel) return yield* this.transfer(read, open, buffer, count, position);
    if (readIter === 0) return -EINVAL;
    return yield* this.iterate(readIter, open, buffer, count, position, kernel, false);
  }

  *write(open: OpenFile, buffer: Ptr, count: number, position: Position, kernel: boolean): Sleepable<number> {
    const write = this.operations.get('write');
    const writeIter = this.operations.get('write_iter');
    if (write !== 0 && !kernel) return yield* this.transfer(write, open, buffer, count, position);
    if (writeIter === 0) return -EINVAL;
    return yield* this.iterate(writeIter, open, buffer, count, position, kernel, true);
  }

  *seek(open: OpenFile, offset: number, whence: number): Sleepable<number> {
    const llseek = this.operations.get('llseek');
    if (llseek !== 0) return yield* this.k.callLong(llseek, open.file, BigInt(offset), BigInt(whence));
    const type = this.k.struct('file');
    if ((type.get(open.file, 'f_mode') & FMODE_LSEEK) === 0) return -ESPIPE;
    const base = whence === SEEK_CUR ? type.get(open.file, 'f_pos') : 0;
    if (whence !== SEEK_SET && whence !== SEEK_CUR && whence !== SEEK_END) return -EINVAL;
    if (whence === SEEK_END || base + offset < 0) return -EINVAL;
    type.set(open.file, 'f_pos', base + offset);
    return base + offset;
  }

  *ioctl(open: OpenFile, command: number, arg: bigint): Sleepable<number> {
    const ioctl = this.operations.get('ioctl');
    if (ioctl === 0) return -ENOTTY;
    const result = yield* this.k.callLong(ioctl, open.file, BigInt(command >>> 0), arg);
    return result === -ENOIOCTLCMD ? -ENOTTY : result;
  }

  *poll(open: OpenFile, table: Ptr): Sleepable<number> {
    const poll = this.operations.get('poll');
    return poll === 0 ? DEFAULT_POLL_MASK : (yield* this.k.callInt(poll, open.file, table)) >>> 0;
  }

  *mmap(open: OpenFile, vma: Ptr): Sleepable<number> {
    const mmap = this.operations.get('mmap');
    return mmap === 0 ? -ENODEV : yield* this.k.callInt(mmap, open.file, vma);
  }

  *fsync(open: OpenFile, dataOnly: boolean): Sleepable<number> {
    const fsync = this.operations.get('fsync');
    if (fsync === 0) return -EINVAL;
    return yield* this.k.callInt(fsync, open.file, 0n, LONGEST, dataOnly ? 1 : 0);
  }

  *flush(open: OpenFile): Sleepable<number> {
    const flush = this.operations.get('flush');
    return flush === 0 ? 0 : yield* this.k.callInt(flush, open.file, this.k.current);
  }

  *release(open: OpenFile): Sleepable<void> {
    const release = this.operations.get('release');
    const inode = this.k.struct('file').get(open.file, 'f_inode');
    if (release !== 0) yield* this.k.callInt(release, inode, open.file);
  }

  private has(operation: 'read' | 'read_iter' | 'write' | 'write_iter'): boolean {
    return this.operations.get(operation) !== 0;
  }

  /** ->read or ->write with a user buffer and a position of its own. */
  private *transfer(
    fn: Ptr,
    open: OpenFile,
    buffer: Ptr,
    count: number,
    position: Position,
  ): Sleepable<number> {
    const { k } = this;
    return yield* withLocals(k, 8, function* (at) {
      k.space.storeLong(at, position.value);
      const result = yield* k.callLong(fn, open.file, buffer, BigInt(count), at);
      if (result >= 0) position.value = k.space.loadS64(at);
      return result;
    });
  }

  /** ->read_iter or ->write_iter with a kiocb and an iov_iter of one segment. */
  private *iterate(
    fn: Ptr,
    open: OpenFile,
    buffer: Ptr,
    count: number,
    position: Position,
    kernel: boolean,
    write: boolean,
  ): Sleepable<number> {
    const { k } = this;
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
      const result = yield* k.callLong(fn, base, base + at.iter);
      if (result > 0) position.value = kiocb.get(base, 'ki_pos');
      return result;
    });
  }
}

/** What files without a poll operation answer: always readable and writable (DEFAULT_POLLMASK). */
export const DEFAULT_POLL_MASK = 0x145;
