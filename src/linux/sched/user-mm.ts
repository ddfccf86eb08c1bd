import type { Ptr } from '../../cpu/layout.js';
import { list } from '../abi/list.js';
import type { LinuxKernel } from '../kernel.js';
import { USER } from '../memory-map.js';

/** MM_MT_FLAGS: gaps are told, the lock is elsewhere, readers are under RCU (include/linux/mm_types.h). */
const TREE_FLAGS = 0x303;

/**
 * The struct mm_struct of the user process on whose behalf system calls run (kernel/fork.c, mm_init): all of its tasks have the one.
 * Nothing is mapped in it: buffers of user programs are TypeScript's (`../mm/user-memory.ts`).
 */
export function makeUserMemory(k: LinuxKernel): Ptr {
  const type = k.struct('mm_struct');
  const mm = k.permanent(type.size);
  type.set(mm, 'mm_users.counter', 0);
  type.set(mm, 'mm_count.counter', 1);
  type.set(mm, 'task_size', USER.start + USER.size);
  list.init(k.space, type.addr(mm, 'mmlist'));
  if (type.has('mmap_lock.wait_list')) list.init(k.space, type.addr(mm, 'mmap_lock.wait_list'));
  if (type.has('mm_mt')) type.set(mm, 'mm_mt.ma_flags', TREE_FLAGS);
  if (type.has('user_ns') && k.hasSymbol('init_user_ns')) type.set(mm, 'user_ns', k.symbol('init_user_ns'));
  return mm;
}

/** Counts users of an address space: mmget() and mmput(). It stays when there are none. */
export function holdMemory(k: LinuxKernel, mm: Ptr, by: 1 | -1): void {
  const type = k.struct('mm_struct');
  type.set(mm, 'mm_users.counter', type.get(mm, 'mm_users.counter') + by);
}
