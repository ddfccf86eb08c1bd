import type { Sleepable } from '../../kernel/effects.js';
import type { DataNode } from '../../kernel/files/index.js';
import { EFAULT, EINVAL } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { O_APPEND, SEEK_CUR, SEEK_END, SEEK_SET } from './flags.js';
import type { FileServer, MaybeSleeps, OpenFile } from './open-file.js';
import type { Slice } from './slice.js';

/** Common part of files whose content the base kernel makes or takes itself, as bytes. */
export abstract class HostServer implements FileServer {
  constructor(protected readonly k: LinuxKernel) {}

  /** Bytes from a position on, at most `count`; a negative error number. */
  protected abstract bytes(open: OpenFile, position: number, count: number): MaybeSleeps<Uint8Array | number>;

  /** Takes bytes at a position: how many, or a negative error number. */
  protected abstract take(open: OpenFile, bytes: Uint8Array, position: number): MaybeSleeps<number>;

  canRead(_open: OpenFile): boolean {
    return true;
  }

  canWrite(_open: OpenFile): boolean {
    return true;
  }

  /** What SEEK_END is relative to. */
  protected size(_open: OpenFile): number {
    return 0;
  }

  *read(open: OpenFile, to: Slice): Sleepable<number> {
    const bytes = yield* this.k.wait(this.bytes(open, to.position, to.count));
    return typeof bytes === 'number' ? bytes : to.put(bytes);
  }

  *write(open: OpenFile, from: Slice): Sleepable<number> {
    const bytes = from.take();
    if (!bytes) return -EFAULT;
    const done = yield* this.k.wait(this.take(open, bytes, from.position));
    if (done > 0) from.position += done;
    return done;
  }

  seek(open: OpenFile, offset: number, whence: number): number {
    const type = this.k.struct('file');
    const bases = { [SEEK_SET]: 0, [SEEK_CUR]: type.get(open.file, 'f_pos'), [SEEK_END]: this.size(open) };
    const base: number | undefined = bases[whence as keyof typeof bases];
    if (base === undefined || base + offset < 0) return -EINVAL;
    type.set(open.file, 'f_pos', base + offset);
    return base + offset;
  }
}

/** A regular file that the file tree holds. */
export class DataServer extends HostServer {
  constructor(
    k: LinuxKernel,
    private readonly node: DataNode,
  ) {
    super(k);
  }

  protected override size(): number {
    return this.node.size;
  }

  protected override bytes(_open: OpenFile, position: number, count: number): Uint8Array {
    return this.node.read(position, count);
  }

  protected override take(open: OpenFile, bytes: Uint8Array, position: number): number {
    const error = this.k.files.numberOf(this.node.write(position, bytes));
    this.syncSize(open);
    return error || bytes.length;
  }

  override *write(open: OpenFile, from: Slice): Sleepable<number> {
    const append = (this.k.struct('file').get(open.file, 'f_flags') & O_APPEND) !== 0;
    if (append) from.position = this.node.size;
    return yield* super.write(open, from);
  }

  truncate(open: OpenFile, size: number): number {
    const error = this.k.files.numberOf(this.node.truncate(size));
    this.syncSize(open);
    return error;
  }

  fsync(): number {
    return 0;
  }

  private syncSize(open: OpenFile): void {
    const inode = this.k.struct('file').get(open.file, 'f_inode');
    if (inode !== 0) this.k.struct('inode').set(inode, 'i_size', this.node.size);
  }
}
