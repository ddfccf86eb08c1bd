import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import { warn } from '../warn.js';

/** What a refcount_t is set to when it was misused, and never leaves again (include/linux/refcount.h). */
const SATURATED = -0x4000_0000;
const PLACE = 'lib/refcount.c:28';

function saturate(k: LinuxKernel, count: Ptr, message: string): void {
  k.space.store32(count, SATURATED);
  warn(k, message, PLACE, 'refcount_warn_saturate', 'refcount');
}

/** A reference is put that there is none of, of an object that is gone already. */
export function krefUnderflow(k: LinuxKernel): void {
  warn(k, 'refcount_t: underflow; use-after-free.', PLACE, 'refcount_warn_saturate', 'refcount');
}

/** kref_init(): one reference. A struct kref is a refcount_t, which is an int. */
export function krefInit(k: LinuxKernel, kref: Ptr): void {
  k.space.store32(kref, 1);
}

export function krefRead(k: LinuxKernel, kref: Ptr): number {
  return k.space.loadInt32(kref);
}

/** kref_get(): complains about an object that has no references left. */
export function krefGet(k: LinuxKernel, kref: Ptr): void {
  const count = k.space.loadInt32(kref);
  if (count === 0) saturate(k, kref, 'refcount_t: addition on 0; use-after-free.');
  else if (count > 0) k.space.store32(kref, count + 1);
}

/** kref_get_unless_zero(). */
export function krefGetUnlessZero(k: LinuxKernel, kref: Ptr): boolean {
  const count = k.space.loadInt32(kref);
  if (count === 0) return false;
  if (count > 0) k.space.store32(kref, count + 1);
  return true;
}

/** kref_put() without its release: true when the last reference went. */
export function krefPut(k: LinuxKernel, kref: Ptr): boolean {
  const count = k.space.loadInt32(kref);
  if (count === 1) {
    k.space.store32(kref, 0);
    return true;
  }
  if (count <= 0) saturate(k, kref, 'refcount_t: underflow; use-after-free.');
  else k.space.store32(kref, count - 1);
  return false;
}
