import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';

/** A kmalloc'd copy of a text (kstrdup). */
export function duplicate(k: LinuxKernel, text: string): Ptr {
  const ptr = k.slab.allocateBytes(text.length + 1, false);
  k.space.storeCstring(ptr, text);
  return ptr;
}

/** kfree_const(): frees what kmalloc gave, leaves constants alone. */
export function freeConst(k: LinuxKernel, ptr: Ptr): void {
  if (ptr !== 0 && k.ledger.get(ptr)) k.slab.free(ptr);
}

/** kobject_name(): '' while it has none. */
export function kobjectName(k: LinuxKernel, kobj: Ptr): string {
  return k.struct('kobject').string(kobj, 'name');
}

/** `%p` of a pointer as log lines show it. */
export function hashed(k: LinuxKernel, ptr: Ptr): string {
  return ptr === 0 ? '0000000000000000' : k.space.toAddress(ptr).toString(16).padStart(16, '0');
}
