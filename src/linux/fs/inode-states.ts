import type { LinuxKernel } from '../kernel.js';

/** Bits of inode.i_state (include/linux/fs.h). */
export interface InodeStates {
  /** Somebody fills it: others wait. */
  readonly I_NEW: number;
  readonly I_FREEING: number;
  readonly I_CLEAR: number;
  /** I_DIRTY_SYNC, I_DIRTY_DATASYNC, I_DIRTY_PAGES */
  readonly I_DIRTY: number;
  readonly I_DIRTY_TIME: number;
}

const BEFORE: InodeStates = {
  I_NEW: 1 << 3,
  I_FREEING: 1 << 5,
  I_CLEAR: 1 << 6,
  I_DIRTY: 7,
  I_DIRTY_TIME: 1 << 11,
};

/** From 6.12 on the states that are waited for come first. */
const WAITED_FOR_FIRST: InodeStates = {
  I_NEW: 1 << 0,
  I_FREEING: 1 << 7,
  I_CLEAR: 1 << 8,
  I_DIRTY: 7 << 3,
  I_DIRTY_TIME: 1 << 11,
};

/** The states of the target's inodes. */
export function inodeStates(k: LinuxKernel): InodeStates {
  return waitsByAddress(k) ? WAITED_FOR_FIRST : BEFORE;
}

/** Whether an inode's state is waited for by the address of its bit, by who holds i_lock: from 6.12 on, which made it 32 bits. */
export function waitsByAddress(k: LinuxKernel): boolean {
  return k.struct('inode').member('i_state').size === 4;
}
