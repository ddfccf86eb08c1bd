import type { AddressSpace } from '../address-space.js';
import { PAGE_SIZE } from '../layout.js';

/** Code of one place lies within so many bytes. */
const WINDOW = 1 << 18;
/** Bytes of a place that are looked at, in so many pieces. */
const LOOKED_AT = 4096;
const PIECES = 64;

/**
 * A short text for the code that an address lies in: the run of executable pages round it, and a fingerprint of what they hold.
 * Translations are stored by it, so that those of one module come in one piece. It decides nothing: whether a translation is
 * the right one its bytes tell (isCurrent). Pages that come on demand are of one image; they are not looked at, since those that nobody
 * needs stay away.
 */
export function codePlace(space: AddressSpace, ptr: number): string {
  const low = ptr - (ptr % WINDOW);
  if (!space.isExecutable(ptr) || space.isOnDemand(ptr)) return low.toString(16);
  let start = ptr - (ptr % PAGE_SIZE);
  let end = start + PAGE_SIZE;
  while (start > low && belongs(space, start - PAGE_SIZE)) start -= PAGE_SIZE;
  while (end < low + WINDOW && belongs(space, end)) end += PAGE_SIZE;
  return `${start.toString(16)}-${end.toString(16)}-${fingerprint(space.bytes, start, end)}`;
}

const belongs = (space: AddressSpace, page: number): boolean =>
  space.isExecutable(page) && !space.isOnDemand(page);

/** FNV-1a over pieces that are spread evenly. */
function fingerprint(bytes: Uint8Array, start: number, end: number): string {
  const stride = (end - start) / PIECES;
  let hash = 0x811c_9dc5;
  for (let piece = start; piece < end; piece += stride)
    for (let at = piece; at < piece + LOOKED_AT / PIECES; at++)
      hash = Math.imul(hash ^ bytes[at], 0x0100_0193);
  return (hash >>> 0).toString(16);
}
