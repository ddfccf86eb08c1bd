import { PAGE_SIZE, type Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_INFO } from '../../../kernel/log.js';
import { EFAULT, EINVAL, ENOMEM } from '../../errno.js';
import { isErr, ptrErr } from '../../errors.js';
import { symbolize } from '../../kallsyms/symbolize.js';
import type { LinuxKernel } from '../../kernel.js';
import { Mutexes } from '../../locking/mutex.js';
import { UserMemory } from '../../mm/user-memory.js';
import type { Subsystem } from '../../subsystem.js';
import { FMODE_PWRITE, SEEK_CUR, SEEK_SET } from '../flags.js';
import { IovIter } from '../iov-iter.js';

/** Where a read puts what was shown: takes bytes, says how many it could take. */
interface Sink {
  /** Bytes it still wants. */
  left(): number;
  put(bytes: Uint8Array): number;
}

/** Result of running the iterator up to a position. */
type Traversal = 'there' | 'grow' | number;

/**
 * Files whose content is made record by record (Documentation/filesystems/seq_file.rst): struct seq_file in
 * guest memory, filled by the iterator's functions.
 */
export class SeqFiles implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    seq_open: (file: Ptr, operations: Ptr) => this.open(file, operations),
    seq_read: (file: Ptr, buffer: Ptr, count: number, position: Ptr) =>
      this.readUser(file, buffer, count, position),
    seq_read_iter: (kiocb: Ptr, iter: Ptr) => this.readIter(kiocb, iter),
    seq_lseek: (file: Ptr, offset: number, whence: number) => this.seek(file, offset, whence),
    seq_release: (_inode: Ptr, file: Ptr) => this.release(file),
    seq_open_private: (file: Ptr, operations: Ptr, size: number) =>
      this.openPrivate(file, operations, size) === 0 ? -ENOMEM : 0,
    __seq_open_private: (file: Ptr, operations: Ptr, size: number) =>
      this.openPrivate(file, operations, size),
    seq_release_private: (_inode: Ptr, file: Ptr) => {
      const m = this.of(file);
      this.k.slab.free(this.type.get(m, 'private'));
      this.type.set(m, 'private', 0);
      return this.release(file);
    },
  };

  /** The struct seq_file of an open file. */
  of(file: Ptr): Ptr {
    return this.k.struct('file').get(file, 'private_data');
  }

  open(file: Ptr, operations: Ptr): number {
    const { k, type } = this;
    const m = k.slab.allocateBytes(type.size, true);
    if (m === 0) return -ENOMEM;
    const files = k.struct('file');
    files.set(file, 'private_data', m);
    k.get(Mutexes).init(type.addr(m, 'lock'));
    type.set(m, 'op', operations);
    type.set(m, 'file', file);
    files.set(file, 'f_mode', files.get(file, 'f_mode') & ~FMODE_PWRITE);
    return 0;
  }

  openPrivate(file: Ptr, operations: Ptr, size: number): Ptr {
    const state = this.k.slab.allocateBytes(size, true);
    if (state === 0) return 0;
    if (this.open(file, operations) !== 0) {
      this.k.slab.free(state);
      return 0;
    }
    this.type.set(this.of(file), 'private', state);
    return state;
  }

  release(file: Ptr): number {
    const m = this.of(file);
    this.dropBuffer(m);
    this.k.slab.free(m);
    return 0;
  }

  /** Gives the file a buffer of at least `size` bytes before the first read. */
  reserve(m: Ptr, size: number): boolean {
    const buffer = this.k.slab.allocateBytes(Math.max(size, 1), false);
    if (buffer === 0) return false;
    this.type.set(m, 'buf', buffer);
    this.type.set(m, 'size', size);
    return true;
  }

  private get type() {
    return this.k.struct('seq_file');
  }

  private *readUser(file: Ptr, buffer: Ptr, count: number, position: Ptr): Sleepable<number> {
    const user = this.k.get(UserMemory);
    let done = 0;
    const sink: Sink = {
      left: () => count - done,
      put: (bytes) => {
        const wanted = bytes.subarray(0, count - done);
        const copied = wanted.length - user.copyTo(buffer + done, wanted);
        done += copied;
        return copied;
      },
    };
    const at = this.k.space.loadS64(position);
    const result = yield* this.fill(this.of(file), at, sink);
    if (result > 0) this.k.space.storeLong(position, at + result);
    return result;
  }

  private *readIter(kiocb: Ptr, iter: Ptr): Sleepable<number> {
    const type = this.k.struct('kiocb');
    const iters = this.k.get(IovIter);
    const sink: Sink = { left: () => iters.count(iter), put: (bytes) => iters.copyTo(iter, bytes) };
    const at = type.get(kiocb, 'ki_pos');
    const result = yield* this.fill(this.of(type.get(kiocb, 'ki_filp')), at, sink);
    if (result > 0) type.set(kiocb, 'ki_pos', at + result);
    return result;
  }

  /** One read at a position: bytes given to the sink, or a negative error number. */
  private *fill(m: Ptr, position: number, sink: Sink): Sleepable<number> {
    const { type } = this;
    if (sink.left() === 0) return 0;
    if (position === 0) {
      type.set(m, 'index', 0);
      type.set(m, 'count', 0);
    }
    if (position !== type.get(m, 'read_pos')) {
      const error = yield* this.seekTo(m, position);
      if (error !== 0) return error;
    }
    if (type.get(m, 'buf') === 0 && !this.reserve(m, PAGE_SIZE)) return -ENOMEM;
    let copied = this.flush(m, sink);
    if (type.get(m, 'count') > 0) return this.finish(m, copied, 0);
    type.set(m, 'from', 0);
    const error = yield* this.show(m, sink);
    if (error === 0) copied += this.flush(m, sink);
    return this.finish(m, copied, error);
  }

  private finish(m: Ptr, copied: number, error: number): number {
    const { type } = this;
    if (copied === 0) return type.get(m, 'count') > 0 ? -EFAULT : error;
    type.set(m, 'read_pos', type.get(m, 'read_pos') + copied);
    return copied;
  }

  /** Hands buffered bytes to the sink. */
  private flush(m: Ptr, sink: Sink): number {
    const { type } = this;
    const count = type.get(m, 'count');
    if (count === 0) return 0;
    const from = type.get(m, 'from');
    const wanted = Math.min(count, sink.left());
    const copied = sink.put(this.k.space.readable(type.get(m, 'buf') + from, wanted));
    type.set(m, 'count', count - copied);
    type.set(m, 'from', from + copied);
    return copied;
  }

  /** Fills the buffer with one non-empty record, and as many more as fit and are wanted. */
  private *show(m: Ptr, sink: Sink): Sleepable<number> {
    const { type } = this;
    let record = yield* this.start(m);
    for (;;) {
      if (record === 0 || isErr(record)) return yield* this.end(m, record, record === 0 ? 0 : ptrErr(record));
      const error = yield* this.call(m, 'show', record);
      if (error < 0) return yield* this.end(m, record, error);
      if (error > 0) type.set(m, 'count', 0);
      if (type.get(m, 'count') === 0) {
        record = yield* this.next(m, record);
        continue;
      }
      if (!this.overflowed(m)) break;
      yield* this.stop(m, record);
      if (!this.grow(m)) return -ENOMEM;
      record = yield* this.start(m);
    }
    yield* this.stop(m, yield* this.more(m, record, sink));
    return 0;
  }

  /** Adds records behind the first while they fit; the record that the iterator stands at then. */
  private *more(m: Ptr, first: Ptr, sink: Sink): Sleepable<Ptr> {
    const { type } = this;
    let record = first;
    for (;;) {
      const before = type.get(m, 'count');
      const index = type.get(m, 'index');
      record = yield* this.next(m, record);
      if (type.get(m, 'index') === index) this.complainOfNext(m, index);
      if (record === 0 || isErr(record) || type.get(m, 'count') >= sink.left()) return record;
      const error = yield* this.call(m, 'show', record);
      if (error > 0) type.set(m, 'count', before);
      else if (error < 0 || this.overflowed(m)) {
        type.set(m, 'count', before);
        return record;
      }
    }
  }

  private complainOfNext(m: Ptr, index: number): void {
    const next = this.k.struct('seq_operations').get(this.type.get(m, 'op'), 'next');
    this.k.log.line(
      `seq_file: buggy .next function ${symbolize(this.k, next).replace(/\+0x0\/.*?(?= |$)/, '')} did not update position index`,
      LOGLEVEL_INFO,
    );
    this.type.set(m, 'index', index + 1);
  }

  /** The iteration is over, by its end or by an error. */
  private *end(m: Ptr, record: Ptr, error: number): Sleepable<number> {
    yield* this.stop(m, record);
    this.type.set(m, 'count', 0);
    return error;
  }

  /** Positions the iterator for a read that does not go on where the last one ended. */
  private *seekTo(m: Ptr, position: number): Sleepable<number> {
    const { type } = this;
    let result: Traversal;
    do result = yield* this.traverse(m, position);
    while (result === 'grow');
    if (typeof result === 'number') {
      for (const field of ['read_pos', 'index', 'count']) type.set(m, field, 0);
      return result;
    }
    type.set(m, 'read_pos', position);
    return 0;
  }

  private *traverse(m: Ptr, offset: number): Sleepable<Traversal> {
    const { type } = this;
    for (const field of ['index', 'count', 'from']) type.set(m, field, 0);
    if (offset === 0) return 'there';
    if (type.get(m, 'buf') === 0 && !this.reserve(m, PAGE_SIZE)) return -ENOMEM;
    let passed = 0;
    let result: Traversal = 'there';
    let record = yield* this.start(m);
    while (record !== 0) {
      if (isErr(record)) {
        result = ptrErr(record);
        break;
      }
      const error = yield* this.call(m, 'show', record);
      if (error < 0) {
        result = error;
        break;
      }
      if (error > 0) type.set(m, 'count', 0);
      if (this.overflowed(m)) {
        yield* this.stop(m, record);
        return this.grow(m) ? 'grow' : -ENOMEM;
      }
      record = yield* this.next(m, record);
      const count = type.get(m, 'count');
      if (passed + count > offset) {
        type.set(m, 'from', offset - passed);
        type.set(m, 'count', passed + count - offset);
        break;
      }
      passed += count;
      type.set(m, 'count', 0);
      if (passed === offset) break;
    }
    yield* this.stop(m, record);
    return result;
  }

  private *seek(file: Ptr, offset: number, whence: number): Sleepable<number> {
    const { type } = this;
    const files = this.k.struct('file');
    const m = this.of(file);
    const target = whence === SEEK_CUR ? offset + files.get(file, 'f_pos') : offset;
    if ((whence !== SEEK_SET && whence !== SEEK_CUR) || target < 0) return -EINVAL;
    if (target !== type.get(m, 'read_pos')) {
      const error = yield* this.seekTo(m, target);
      files.set(file, 'f_pos', error === 0 ? target : 0);
      return error === 0 ? target : error;
    }
    files.set(file, 'f_pos', target);
    return target;
  }

  private overflowed(m: Ptr): boolean {
    return this.type.get(m, 'count') === this.type.get(m, 'size');
  }

  /** A buffer twice as large; what was in it is lost. */
  private grow(m: Ptr): boolean {
    const size = this.type.get(m, 'size') * 2;
    this.dropBuffer(m);
    this.type.set(m, 'count', 0);
    return this.reserve(m, size);
  }

  private dropBuffer(m: Ptr): void {
    const buffer = this.type.get(m, 'buf');
    if (buffer !== 0) this.k.slab.free(buffer);
    this.type.set(m, 'buf', 0);
  }

  private *start(m: Ptr): Sleepable<Ptr> {
    return yield* this.call(m, 'start', this.type.addr(m, 'index'));
  }

  private *next(m: Ptr, record: Ptr): Sleepable<Ptr> {
    return yield* this.call(m, 'next', record, this.type.addr(m, 'index'));
  }

  private *stop(m: Ptr, record: Ptr): Sleepable<void> {
    yield* this.call(m, 'stop', record);
  }

  private *call(m: Ptr, name: 'start' | 'next' | 'stop' | 'show', ...args: Ptr[]): Sleepable<number> {
    return yield* this.k.struct('seq_operations').call(this.type.get(m, 'op'), name, m, ...args);
  }
}
