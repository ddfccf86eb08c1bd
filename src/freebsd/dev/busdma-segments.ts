import type { Ptr } from '../../cpu/layout.js';
import { Panic } from '../kern/panic.js';
import type { FreebsdKernel } from '../kernel.js';
import type { DmaTag } from './busdma-tag.js';

/** Memory that is to be loaded: of the kernel's by its address, or any by its physical one. */
export type Piece =
  | { readonly at: Ptr; readonly bytes: number }
  | { readonly physical: bigint; readonly bytes: number };

/** bus_dma_segment_t. */
export interface Segment {
  readonly address: bigint;
  readonly length: bigint;
}

/** Where memory is for devices, and what the kernel's structures that describe memory lead to. */
export class Memory {
  constructor(private readonly k: FreebsdKernel) {}

  /** vtophys(). */
  physicalOf(at: Ptr): bigint {
    return this.k.space.toAddress(at) & 0xffff_ffffn;
  }

  addressOf(piece: Piece): bigint {
    return 'physical' in piece ? piece.physical : this.physicalOf(piece.at);
  }

  /** The data of a chain of mbufs. */
  ofMbuf(first: Ptr): Piece[] {
    const type = this.k.struct('mbuf');
    const pieces: Piece[] = [];
    for (let mbuf = first; mbuf !== 0; mbuf = type.get(mbuf, 'm_next')) {
      const bytes = type.get(mbuf, 'm_len');
      if (bytes > 0) pieces.push({ at: type.get(mbuf, 'm_data'), bytes });
    }
    return pieces;
  }

  ofUio(uio: Ptr): Piece[] {
    const { k } = this;
    const [type, vector] = [k.struct('uio'), k.struct('iovec')];
    const first = type.get(uio, 'uio_iov');
    return Array.from({ length: type.get(uio, 'uio_iovcnt') }, (_, i) => first + i * vector.size)
      .map((at) => ({ at: vector.get(at, 'iov_base'), bytes: vector.get(at, 'iov_len') }))
      .filter(({ bytes }) => bytes > 0);
  }
}

/**
 * The segments of memory for a device: neighbours become one as far as its tag allows. All memory is where devices of 32 bits reach it;
 * for others it would have to be copied (bounced), which is not implemented.
 */
export function segmentsOf(memory: Memory, tag: DmaTag, pieces: readonly Piece[]): Segment[] {
  const { boundary, maxsegsz, lowaddr, highaddr } = tag;
  const segments: { address: bigint; length: bigint }[] = [];
  for (const piece of pieces) {
    let address = memory.addressOf(piece);
    let left = BigInt(piece.bytes);
    if (address + left - 1n > lowaddr && address <= highaddr)
      throw new Panic(
        `busdma: 0x${address.toString(16)} is beyond what the device reaches (0x${lowaddr.toString(16)}): bounce buffers are not implemented`,
        'unimplemented-export',
      );
    while (left > 0n) {
      const room = boundary === 0n ? left : boundary - (address % boundary);
      const length = [left, room, maxsegsz].reduce((a, b) => (a < b ? a : b));
      const last = segments[segments.length - 1];
      const joins =
        last !== undefined &&
        last.address + last.length === address &&
        last.length + length <= maxsegsz &&
        (boundary === 0n || last.address / boundary === address / boundary);
      if (joins) last.length += length;
      else segments.push({ address, length });
      address += length;
      left -= length;
    }
  }
  return segments;
}
