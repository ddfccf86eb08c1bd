import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { moveBytes } from '../string/bytes.js';

/** The Internet checksum (RFC 1071): sums are not folded yet, checksums are folded and complemented. */
export class Checksum implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    csum_partial: (ptr: Ptr, length: number, sum: number) => this.sum(ptr, length, sum),
    csum_partial_copy_nocheck: (from: Ptr, to: Ptr, length: number) => {
      moveBytes(this.k.space, to, from, length);
      return this.sum(to, length, 0xffff_ffff);
    },
    ip_compute_csum: (ptr: Ptr, length: number) => checksum(this.sum(ptr, length, 0)),
    csum_ipv6_magic: (source: Ptr, target: Ptr, length: number, protocol: number, sum: number) => {
      const header = swap32(length) + (protocol << 8);
      return checksum(fold32(this.sum(source, 16, 0) + this.sum(target, 16, 0) + header + sum));
    },
  };

  private sum(ptr: Ptr, length: number, start: number): number {
    const { space } = this.k;
    space.readable(ptr, length);
    let total = start;
    let at = ptr;
    for (; at + 4 <= ptr + length; at += 4) {
      total += space.view.getUint32(at, true);
      if (total > 2 ** 52) total = fold32(total);
    }
    for (let shift = 0; at < ptr + length; at++, shift += 8) total += space.bytes[at] * 2 ** shift;
    return fold32(total);
  }
}

/** Ones' complement sum of the 32-bit words of a number. */
export function fold32(total: number): number {
  let sum = total;
  while (sum >= 2 ** 32) sum = (sum % 2 ** 32) + Math.floor(sum / 2 ** 32);
  return sum;
}

/** csum_fold(): 16 bits, complemented. */
export function checksum(sum: number): number {
  let folded = (sum & 0xffff) + (sum >>> 16);
  folded = (folded & 0xffff) + (folded >>> 16);
  return ~folded & 0xffff;
}

function swap32(value: number): number {
  return (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}
