import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { Unimplemented } from '../../kernel/errors.js';
import { EFAULT, EINVAL, ENOMEM } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { PageExports } from '../mm/pages.js';
import { UserMemory } from '../mm/user-memory.js';
import type { Subsystem } from '../subsystem.js';
import { MAX_RW_COUNT } from './flags.js';

/** One stretch of memory that an iterator covers. */
interface Segment {
  readonly at: Ptr;
  readonly length: number;
  readonly user: boolean;
}

const VECTOR_BYTES = 16;
/** Most segments of one call (UIO_MAXIOV). */
const UIO_MAXIOV = 1024;

/**
 * struct iov_iter: where a read or write goes, as segments of user memory, kernel memory or pages
 * (lib/iov_iter.c, include/linux/uio.h).
 */
export class IovIter implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    iov_iter_init: (i: Ptr, direction: number, iov: Ptr, segments: number, count: number) =>
      this.initUser(i, direction !== 0, iov, segments, count),
    iov_iter_kvec: (i: Ptr, direction: number, kvec: Ptr, segments: number, count: number) =>
      this.initKernel(i, direction !== 0, kvec, segments, count),
    iov_iter_bvec: (i: Ptr, direction: number, bvec: Ptr, segments: number, count: number) =>
      this.init(i, 'ITER_BVEC', direction !== 0, bvec, segments, count),
    iov_iter_discard: (i: Ptr, direction: number, count: number) =>
      this.init(i, 'ITER_DISCARD', direction !== 0, 0, 0, count),
    iov_iter_advance: (i: Ptr, bytes: number) => this.advance(i, bytes),
    iov_iter_revert: (i: Ptr, bytes: number) => this.revert(i, bytes),
    iov_iter_single_seg_count: (i: Ptr) => this.segments(i)[0]?.length ?? 0,
    iov_iter_zero: (bytes: number, i: Ptr) => this.copyTo(i, new Uint8Array(Math.min(bytes, this.count(i)))),
    iov_iter_npages: (i: Ptr, most: number) => this.pages(i, most),
    iov_iter_alignment: (i: Ptr) =>
      this.segments(i).reduce((bits, segment) => bits | segment.at | segment.length, 0),
    _copy_to_iter: (from: Ptr, bytes: number, i: Ptr) => this.copyTo(i, this.source(from, bytes, i)),
    _copy_mc_to_iter: (from: Ptr, bytes: number, i: Ptr) => this.copyTo(i, this.source(from, bytes, i)),
    _copy_from_iter: (to: Ptr, bytes: number, i: Ptr) => this.copyFromTo(to, bytes, i),
    _copy_from_iter_nocache: (to: Ptr, bytes: number, i: Ptr) => this.copyFromTo(to, bytes, i),
    _copy_from_iter_flushcache: (to: Ptr, bytes: number, i: Ptr) => this.copyFromTo(to, bytes, i),
    copy_page_to_iter: (page: Ptr, offset: number, bytes: number, i: Ptr) =>
      this.copyTo(i, this.source(this.pageMemory(page) + offset, bytes, i)),
    copy_page_from_iter: (page: Ptr, offset: number, bytes: number, i: Ptr) =>
      this.copyFromTo(this.pageMemory(page) + offset, bytes, i),
    copy_page_from_iter_atomic: (page: Ptr, offset: number, bytes: number, i: Ptr) =>
      this.copyFromTo(this.pageMemory(page) + offset, bytes, i),
    fault_in_iov_iter_readable: (i: Ptr, bytes: number) => this.unreachable(i, bytes, false),
    fault_in_iov_iter_writeable: (i: Ptr, bytes: number) => this.unreachable(i, bytes, true),
    import_single_range: (rw: number, buffer: Ptr, length: number, iov: Ptr, i: Ptr) =>
      this.importRange(rw, buffer, length, iov, i),
    import_iovec: (type: number, vector: Ptr, segments: number, fast: number, iovp: Ptr, i: Ptr) =>
      this.importVector(type, vector, segments, fast, iovp, i),
    dup_iter: (to: Ptr, from: Ptr, _gfp: number) => this.duplicate(to, from),
  };

  initUser(i: Ptr, write: boolean, iov: Ptr, segments: number, count: number): void {
    this.init(i, 'ITER_IOVEC', write, iov, segments, count);
    const type = this.type();
    if (type.has('user_backed')) type.set(i, 'user_backed', 1);
  }

  initKernel(i: Ptr, write: boolean, kvec: Ptr, segments: number, count: number): void {
    this.init(i, 'ITER_KVEC', write, kvec, segments, count);
  }

  /** Bytes left. */
  count(i: Ptr): number {
    return this.type().get(i, 'count');
  }

  /** Copies to where the iterator stands and moves it on: the number of bytes copied. */
  copyTo(i: Ptr, bytes: Uint8Array): number {
    const user = this.k.get(UserMemory);
    let done = 0;
    for (const segment of this.segments(i)) {
      if (done === bytes.length) break;
      const part = bytes.subarray(done, done + segment.length);
      const missing = segment.user ? user.copyTo(segment.at, part) : 0;
      if (!segment.user) this.k.space.writable(segment.at, part.length).set(part);
      done += part.length - missing;
      if (missing > 0) break;
    }
    if (this.kind(i) === 'ITER_DISCARD') done = Math.min(bytes.length, this.count(i));
    this.advance(i, done);
    return done;
  }

  /** Takes up to `count` bytes from the iterator and moves it on. */
  copyFrom(i: Ptr, count: number): Uint8Array {
    const user = this.k.get(UserMemory);
    const out = new Uint8Array(Math.min(count, this.count(i)));
    let done = 0;
    for (const segment of this.segments(i)) {
      const wanted = Math.min(segment.length, out.length - done);
      if (wanted === 0) break;
      const part = segment.user
        ? user.copyFrom(segment.at, wanted)
        : this.k.space.readable(segment.at, wanted);
      out.set(part, done);
      done += part.length;
      if (part.length < wanted) break;
    }
    this.advance(i, done);
    return out.subarray(0, done);
  }

  advance(i: Ptr, bytes: number): void {
    const type = this.type();
    let left = Math.min(bytes, this.count(i));
    type.set(i, 'count', this.count(i) - left);
    const kind = this.kind(i);
    if (kind === 'ITER_DISCARD') return;
    left += type.get(i, 'iov_offset');
    if (this.vectored(kind)) {
      let vector = type.get(i, this.vectorField());
      let segments = type.get(i, 'nr_segs');
      for (; segments > 0; segments--) {
        const length = this.lengthAt(kind, vector);
        if (left < length) break;
        left -= length;
        vector += VECTOR_BYTES;
      }
      type.set(i, this.vectorField(), vector);
      type.set(i, 'nr_segs', segments);
    }
    type.set(i, 'iov_offset', left);
  }

  revert(i: Ptr, bytes: number): void {
    const type = this.type();
    if (bytes === 0) return;
    type.set(i, 'count', this.count(i) + bytes);
    const kind = this.kind(i);
    if (kind === 'ITER_DISCARD') return;
    const offset = type.get(i, 'iov_offset');
    if (bytes <= offset || !this.vectored(kind)) {
      type.set(i, 'iov_offset', offset - bytes);
      return;
    }
    let left = bytes - offset;
    let vector = type.get(i, this.vectorField());
    let segments = type.get(i, 'nr_segs');
    for (;;) {
      vector -= VECTOR_BYTES;
      segments++;
      const length = this.lengthAt(kind, vector);
      if (left <= length) {
        type.set(i, 'iov_offset', length - left);
        break;
      }
      left -= length;
    }
    type.set(i, this.vectorField(), vector);
    type.set(i, 'nr_segs', segments);
  }

  private init(i: Ptr, kind: string, write: boolean, vector: Ptr, segments: number, count: number): void {
    const type = this.type();
    this.k.space.writable(i, type.size).fill(0);
    type.set(i, 'iter_type', this.k.enumValue(kind));
    if (type.has('nofault')) type.set(i, 'nofault', 0);
    type.set(i, 'data_source', write ? 1 : 0);
    type.set(i, 'count', count);
    type.set(i, this.vectorField(), vector);
    type.set(i, 'nr_segs', segments);
  }

  /** What is left, as stretches of memory. */
  private segments(i: Ptr): Segment[] {
    const type = this.type();
    const kind = this.kind(i);
    let left = this.count(i);
    let offset = type.get(i, 'iov_offset');
    if (kind === 'ITER_DISCARD') return [];
    if (kind === 'ITER_UBUF') return [{ at: type.get(i, 'ubuf') + offset, length: left, user: true }];
    if (!this.vectored(kind)) throw new Unimplemented(`an iov_iter of kind ${kind}`, '');
    const segments: Segment[] = [];
    const user = kind === 'ITER_IOVEC';
    let vector = type.get(i, this.vectorField());
    for (let n = type.get(i, 'nr_segs'); n > 0 && left > 0; n--, vector += VECTOR_BYTES) {
      const length = Math.min(this.lengthAt(kind, vector) - offset, left);
      if (length > 0) segments.push({ at: this.baseAt(kind, vector) + offset, length, user });
      left -= Math.max(length, 0);
      offset = 0;
    }
    return segments;
  }

  private kind(i: Ptr): string {
    const value = this.type().get(i, 'iter_type');
    return KINDS.find((name) => this.k.types.findEnumValue(name) === value) ?? `${value}`;
  }

  private vectored(kind: string): boolean {
    return kind === 'ITER_IOVEC' || kind === 'ITER_KVEC' || kind === 'ITER_BVEC';
  }

  private lengthAt(kind: string, vector: Ptr): number {
    if (kind === 'ITER_BVEC') return this.k.struct('bio_vec').get(vector, 'bv_len');
    return this.k.space.loadU64(vector + 8);
  }

  private baseAt(kind: string, vector: Ptr): Ptr {
    if (kind !== 'ITER_BVEC') return this.k.space.loadPtr(vector);
    const type = this.k.struct('bio_vec');
    return this.pageMemory(type.get(vector, 'bv_page')) + type.get(vector, 'bv_offset');
  }

  private pageMemory(page: Ptr): Ptr {
    return this.k.get(PageExports).addressOf(page);
  }

  private pages(i: Ptr, most: number): number {
    let pages = 0;
    for (const { at, length } of this.segments(i))
      pages += Math.ceil((at + length) / PAGE_SIZE) - Math.floor(at / PAGE_SIZE);
    return Math.min(pages, most);
  }

  private source(from: Ptr, bytes: number, i: Ptr): Uint8Array {
    return this.k.space.readable(from, Math.min(bytes, this.count(i)));
  }

  private copyFromTo(to: Ptr, count: number, i: Ptr): number {
    const bytes = this.copyFrom(i, count);
    this.k.space.writable(to, bytes.length).set(bytes);
    return bytes.length;
  }

  private unreachable(i: Ptr, bytes: number, write: boolean): number {
    let left = Math.min(bytes, this.count(i));
    for (const { at, length, user } of this.segments(i)) {
      const wanted = Math.min(length, left);
      const pages = this.k.space.user;
      const reached = !user ? wanted : write ? pages.writable(at, wanted) : pages.readable(at, wanted);
      left -= reached;
      if (reached < wanted) break;
    }
    return left;
  }

  private importRange(rw: number, buffer: Ptr, length: number, iov: Ptr, i: Ptr): number {
    const bytes = Math.min(length, MAX_RW_COUNT);
    if (!this.k.get(UserMemory).accessible(buffer, bytes)) return -EFAULT;
    this.k.space.storePtr(iov, buffer);
    this.k.space.storeLong(iov + 8, bytes);
    this.initUser(i, rw !== 0, iov, 1, bytes);
    return 0;
  }

  private importVector(type: number, vector: Ptr, segments: number, fast: number, iovp: Ptr, i: Ptr): number {
    const { space } = this.k;
    if (segments > UIO_MAXIOV) return -EINVAL;
    const source = this.k.get(UserMemory).copyFrom(vector, segments * VECTOR_BYTES);
    if (source.length < segments * VECTOR_BYTES) return -EFAULT;
    let to = space.loadPtr(iovp);
    if (segments > fast) {
      to = this.k.slab.allocateBytes(segments * VECTOR_BYTES, false);
      if (to === 0) return -ENOMEM;
    }
    space.writable(to, source.length).set(source);
    space.storePtr(iovp, segments > fast ? to : 0);
    let total = 0;
    for (let n = 0; n < segments; n++) total += space.loadU64(to + n * VECTOR_BYTES + 8);
    this.initUser(i, type !== 0, to, segments, total);
    return total;
  }

  private duplicate(to: Ptr, from: Ptr): Ptr {
    const type = this.type();
    this.k.space.writable(to, type.size).set(this.k.space.readable(from, type.size));
    if (!this.vectored(this.kind(from))) return 0;
    const bytes = type.get(from, 'nr_segs') * VECTOR_BYTES;
    const copy = this.k.slab.allocateBytes(bytes, false);
    if (copy === 0) return 0;
    const vectors = this.k.space.readable(type.get(from, this.vectorField()), bytes);
    this.k.space.writable(copy, bytes).set(vectors);
    type.set(to, this.vectorField(), copy);
    return copy;
  }

  private type() {
    return this.k.struct('iov_iter');
  }

  private vectorField(): string {
    return this.type().has('iov') ? 'iov' : '__iov';
  }
}

const KINDS = [
  'ITER_IOVEC',
  'ITER_KVEC',
  'ITER_BVEC',
  'ITER_PIPE',
  'ITER_XARRAY',
  'ITER_FOLIOQ',
  'ITER_DISCARD',
  'ITER_UBUF',
] as const;
