import type { AddressSpace } from '../../../cpu/address-space.js';
import { PAGE_SIZE, type Ptr } from '../../../cpu/layout.js';

/** Faults at the first byte that may not be read, as a loop over the bytes would. */
export function requireReadable(space: AddressSpace, ptr: Ptr, bytes: number): void {
  if (bytes <= 0 || space.canRead(ptr, bytes)) return;
  for (let at = ptr; at < ptr + bytes; at = at - (at % PAGE_SIZE) + PAGE_SIZE) space.load8(at);
}

/** Faults at the first byte that may not be written. */
export function requireWritable(space: AddressSpace, ptr: Ptr, bytes: number): void {
  if (bytes <= 0 || space.canWrite(ptr, bytes)) return;
  for (let at = ptr; at < ptr + bytes; at = at - (at % PAGE_SIZE) + PAGE_SIZE)
    if (!space.canWrite(at, 1)) space.store8(at, 0);
}

/** strlen() up to `limit`: where the terminating NUL is. */
export function lengthOf(space: AddressSpace, ptr: Ptr, limit = Number.POSITIVE_INFINITY): number {
  let at = ptr;
  const end = ptr + limit;
  while (at < end) {
    space.load8(at);
    const pageEnd = Math.min(at - (at % PAGE_SIZE) + PAGE_SIZE, end);
    const nul = space.bytes.subarray(at, pageEnd).indexOf(0);
    if (nul >= 0) return at + nul - ptr;
    at = pageEnd;
  }
  return limit;
}

/** Pieces of a copy to or from a device: words of four bytes, and what is before and behind them (arch/x86/lib/iomem.c). */
function overBus(device: Ptr, bytes: number, visit: (at: Ptr, size: number) => void): void {
  const end = device + bytes;
  for (let at = device; at < end; ) {
    let size = 4;
    while (at % size !== 0 || at + size > end) size /= 2;
    visit(at, size);
    at += size;
  }
}

function moveOverBus(space: AddressSpace, to: Ptr, from: Ptr, bytes: number): void {
  const device = space.isDevice(from) ? from : to;
  overBus(device, bytes, (at, size) => {
    const offset = at - device;
    const words = space.readable(from + offset, size).slice();
    if (!space.isDevice(to + offset)) space.writable(to + offset, size).set(words);
    else {
      space.bytes.set(words, to + offset);
      space.writeDevice(to + offset, size);
    }
  });
}

/** Copies bytes between possibly overlapping ranges. */
export function moveBytes(space: AddressSpace, to: Ptr, from: Ptr, bytes: number): void {
  if (bytes === 0) return;
  if (space.isDevice(from) || space.isDevice(to)) {
    moveOverBus(space, to, from, bytes);
    return;
  }
  requireReadable(space, from, bytes);
  requireWritable(space, to, bytes);
  space.bytes.copyWithin(to, from, from + bytes);
}

export function fillBytes(space: AddressSpace, to: Ptr, value: number, bytes: number): void {
  if (bytes === 0) return;
  if (space.isDevice(to)) {
    overBus(to, bytes, (at, size) => {
      space.bytes.fill(value & 0xff, at, at + size);
      space.writeDevice(at, size);
    });
    return;
  }
  requireWritable(space, to, bytes);
  space.bytes.fill(value & 0xff, to, to + bytes);
}

/** Difference of the first bytes that differ, 0 where none do. */
export function compareBytes(space: AddressSpace, a: Ptr, b: Ptr, bytes: number): number {
  requireReadable(space, a, bytes);
  requireReadable(space, b, bytes);
  const memory = space.bytes;
  for (let i = 0; i < bytes; i++) if (memory[a + i] !== memory[b + i]) return memory[a + i] - memory[b + i];
  return 0;
}

/** Difference of two strings' first differing characters, after `fold`, within `limit`. */
export function compareStrings(
  space: AddressSpace,
  a: Ptr,
  b: Ptr,
  limit: number,
  fold?: (byte: number) => number,
): number {
  const memory = space.bytes;
  for (let i = 0; i < limit; i++) {
    if (i === 0 || (a + i) % PAGE_SIZE === 0) space.load8(a + i);
    if (i === 0 || (b + i) % PAGE_SIZE === 0) space.load8(b + i);
    let x = memory[a + i];
    let y = memory[b + i];
    if (fold) {
      x = fold(x);
      y = fold(y);
    }
    if (x !== y) return x - y;
    if (x === 0) return 0;
  }
  return 0;
}
