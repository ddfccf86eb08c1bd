import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { FileNode } from '../../kernel/files/index.js';
import type { Slice } from './slice.js';

/** A function that only sometimes sleeps: see LinuxKernel.wait. */
export type MaybeSleeps<T> = T | Sleepable<T>;

/** An open file: the guest's struct file and what the base kernel knows of it. */
export interface OpenFile {
  /** struct file. */
  readonly file: Ptr;
  readonly node: FileNode | undefined;
  /** Absolute path it was opened by, or a name such as `anon_inode:[x]`. */
  readonly path: string;
  /** Who serves its operations. Opening a device may change it. */
  server: FileServer;
}

/**
 * What an open file does: the base kernel's file_operations. Results are those of the kernel's functions, a
 * count or a negative error number. A missing operation is an error that the caller chooses.
 */
export interface FileServer {
  /** Whether read and write exist: FMODE_CAN_READ, FMODE_CAN_WRITE. */
  canRead(open: OpenFile): boolean;
  canWrite(open: OpenFile): boolean;
  read(open: OpenFile, to: Slice): MaybeSleeps<number>;
  write(open: OpenFile, from: Slice): MaybeSleeps<number>;
  /** New position or error. */
  seek(open: OpenFile, offset: number, whence: number): MaybeSleeps<number>;
  ioctl?(open: OpenFile, command: number, arg: bigint): MaybeSleeps<number>;
  /** Events that are ready. `table` is a poll_table, or NULL. */
  poll?(open: OpenFile, table: Ptr): MaybeSleeps<number>;
  mmap?(open: OpenFile, vma: Ptr): MaybeSleeps<number>;
  fsync?(open: OpenFile, dataOnly: boolean): MaybeSleeps<number>;
  truncate?(open: OpenFile, size: number): MaybeSleeps<number>;
  /** Each close(2) of a descriptor. */
  flush?(open: OpenFile): MaybeSleeps<number>;
  /** The last reference is gone. */
  release?(open: OpenFile): MaybeSleeps<void>;
}

/**
 * A node that brings its own behaviour: /proc, /sys, debugfs, files of file systems that modules implement.
 * `open` is called with the guest's struct file filled in but for f_op.
 */
export interface ServedNode extends FileNode {
  openFile(open: OpenFile, inode: Ptr): MaybeSleeps<FileServer | number>;
}

export function isServed(node: FileNode | undefined): node is ServedNode {
  return node !== undefined && 'openFile' in node;
}
