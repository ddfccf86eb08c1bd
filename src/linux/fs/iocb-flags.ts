import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import { O_APPEND, O_DIRECT, O_DSYNC, O_SYNC_ONLY } from './flags.js';

/** kiocb.ki_flags (include/linux/fs.h). */
const IOCB_DSYNC = 1 << 1;
const IOCB_SYNC = 1 << 2;
const IOCB_APPEND = 1 << 4;
const IOCB_DIRECT = 1 << 17;

/** Inodes and file systems all of whose writes are synchronous. */
const S_SYNC = 1 << 0;
const SB_SYNCHRONOUS = 1 << 4;

/** iocb_flags() of include/linux/fs.h: with which flags reads and writes of an open file begin. */
export function iocbFlags(k: LinuxKernel, file: Ptr): number {
  const type = k.struct('file');
  const flags = type.get(file, 'f_flags');
  const mapping = type.get(file, 'f_mapping');
  const host = mapping === 0 ? 0 : k.struct('address_space').get(mapping, 'host');
  let result = 0;
  if (flags & O_APPEND) result |= IOCB_APPEND;
  if (flags & O_DIRECT) result |= IOCB_DIRECT;
  if (flags & O_DSYNC || (host !== 0 && isSynchronous(k, host))) result |= IOCB_DSYNC;
  if (flags & O_SYNC_ONLY) result |= IOCB_SYNC;
  return result;
}

/** IS_SYNC() */
function isSynchronous(k: LinuxKernel, inode: Ptr): boolean {
  const type = k.struct('inode');
  if (type.get(inode, 'i_flags') & S_SYNC) return true;
  const superBlock = type.get(inode, 'i_sb');
  return superBlock !== 0 && (k.struct('super_block').get(superBlock, 's_flags') & SB_SYNCHRONOUS) !== 0;
}
