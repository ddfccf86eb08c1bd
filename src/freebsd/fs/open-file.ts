import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';

/** What stat(2) tells of a file. */
export interface FileStatus {
  readonly kind: 'directory' | 'file' | 'symlink' | 'character' | 'block' | 'fifo' | 'socket';
  readonly mode: number;
  readonly size: number;
  readonly uid: number;
  readonly gid: number;
}

/** What a read gives: bytes, or an error number. */
export type ReadResult = Uint8Array | { readonly errno: number };

/** A number that a call gives, or an error number. */
export type CallNumber = { readonly value: number } | { readonly errno: number };

/** An open file: fileops, for TypeScript's callers. Errors are positive numbers. */
export interface OpenFile {
  readonly path: string;
  /** FREAD, FWRITE, O_NONBLOCK, ... as fcntl.h has them for the kernel (FFLAGS()). */
  readonly flags: number;
  offset: number;
  /** The struct file that guest code sees; 0 where none does. */
  readonly file: Ptr;
  read(count: number): Sleepable<ReadResult>;
  write(bytes: Uint8Array): Sleepable<CallNumber>;
  /** `argument` is a word, or bytes of a structure, which are changed where the request says so. */
  ioctl(request: number, argument: bigint | Uint8Array): Sleepable<CallNumber>;
  /** The events of `events` that are ready. */
  poll(events: number): Sleepable<number>;
  close(): Sleepable<number>;
  status(): FileStatus;
}
