import type { Ptr } from '../../cpu/layout.js';
import { EINVAL, ENXIO, EOVERFLOW } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import * as flags from './flags.js';

const SEEK_DATA = 3;
const SEEK_HOLE = 4;
/** Positions may be negative in files such as /dev/mem (FMODE_UNSIGNED_OFFSET). */
const FMODE_UNSIGNED_OFFSET = 0x2000;

/** Ready-made ->llseek and ->open functions for drivers (fs/read_write.c, fs/open.c, fs/libfs.c). */
export class SeekFunctions implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    noop_llseek: (file: Ptr) => this.k.struct('file').get(file, 'f_pos'),
    default_llseek: (file: Ptr, offset: number, whence: number) => this.byInode(file, offset, whence),
    generic_file_llseek: (file: Ptr, offset: number, whence: number) =>
      this.generic(file, offset, whence, Number.MAX_SAFE_INTEGER, this.inodeSize(file)),
    generic_file_llseek_size: (file: Ptr, offset: number, whence: number, most: number, end: number) =>
      this.generic(file, offset, whence, most, end),
    fixed_size_llseek: (file: Ptr, offset: number, whence: number, size: number) =>
      this.generic(file, offset, whence, size, size),
    no_seek_end_llseek: (file: Ptr, offset: number, whence: number) =>
      whence === flags.SEEK_SET || whence === flags.SEEK_CUR
        ? this.generic(file, offset, whence, Number.MAX_SAFE_INTEGER, 0)
        : -EINVAL,
    no_seek_end_llseek_size: (file: Ptr, offset: number, whence: number, size: number) =>
      whence === flags.SEEK_SET || whence === flags.SEEK_CUR
        ? this.generic(file, offset, whence, size, 0)
        : -EINVAL,
    vfs_setpos: (file: Ptr, offset: number, most: number) => this.setPosition(file, offset, most),
    nonseekable_open: (_inode: Ptr, file: Ptr) => this.openNonseekable(file),
    stream_open: (_inode: Ptr, file: Ptr) => {
      const kept = flags.FMODE_LSEEK | flags.FMODE_PREAD | flags.FMODE_PWRITE | flags.FMODE_ATOMIC_POS;
      this.clearMode(file, kept);
      const type = this.k.struct('file');
      type.set(file, 'f_mode', type.get(file, 'f_mode') | flags.FMODE_STREAM);
      return 0;
    },
    simple_open: (inode: Ptr, file: Ptr) => {
      const data = this.k.struct('inode').get(inode, 'i_private');
      if (data !== 0) this.k.struct('file').set(file, 'private_data', data);
      return 0;
    },
    generic_file_open: (inode: Ptr, file: Ptr) => {
      const large = (this.k.struct('file').get(file, 'f_flags') & flags.O_LARGEFILE) !== 0;
      return !large && this.k.struct('inode').get(inode, 'i_size') > 0x7fff_ffff ? -EOVERFLOW : 0;
    },
  };

  /** nonseekable_open() */
  openNonseekable(file: Ptr): number {
    this.clearMode(file, flags.FMODE_LSEEK | flags.FMODE_PREAD | flags.FMODE_PWRITE);
    return 0;
  }

  private clearMode(file: Ptr, bits: number): void {
    const type = this.k.struct('file');
    type.set(file, 'f_mode', type.get(file, 'f_mode') & ~bits);
  }

  private inodeSize(file: Ptr): number {
    return this.k.struct('inode').get(this.k.struct('file').get(file, 'f_inode'), 'i_size');
  }

  private byInode(file: Ptr, offset: number, whence: number): number {
    const type = this.k.struct('file');
    const at = type.get(file, 'f_pos');
    const end = this.inodeSize(file);
    switch (whence) {
      case flags.SEEK_SET:
        return this.place(file, offset);
      case flags.SEEK_CUR:
        return offset === 0 ? at : this.place(file, at + offset);
      case flags.SEEK_END:
        return this.place(file, end + offset);
      case SEEK_DATA:
        return offset >= end ? -ENXIO : this.place(file, offset);
      case SEEK_HOLE:
        return offset >= end ? -ENXIO : this.place(file, end);
      default:
        return -EINVAL;
    }
  }

  private place(file: Ptr, position: number): number {
    const type = this.k.struct('file');
    if (position < 0 && (type.get(file, 'f_mode') & FMODE_UNSIGNED_OFFSET) === 0) return -EINVAL;
    type.set(file, 'f_pos', position);
    return position;
  }

  private generic(file: Ptr, offset: number, whence: number, most: number, end: number): number {
    const at = this.k.struct('file').get(file, 'f_pos');
    switch (whence) {
      case flags.SEEK_SET:
        return this.setPosition(file, offset, most);
      case flags.SEEK_CUR:
        return offset === 0 ? at : this.setPosition(file, at + offset, most);
      case flags.SEEK_END:
        return this.setPosition(file, end + offset, most);
      case SEEK_DATA:
        return offset >= end ? -ENXIO : this.setPosition(file, offset, most);
      case SEEK_HOLE:
        return offset >= end ? -ENXIO : this.setPosition(file, end, most);
      default:
        return -EINVAL;
    }
  }

  private setPosition(file: Ptr, offset: number, most: number): number {
    const type = this.k.struct('file');
    if (offset < 0 && (type.get(file, 'f_mode') & FMODE_UNSIGNED_OFFSET) === 0) return -EINVAL;
    if (offset > most) return -EINVAL;
    type.set(file, 'f_pos', offset);
    return offset;
  }
}
