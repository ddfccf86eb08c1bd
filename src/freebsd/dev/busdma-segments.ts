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

/** bus_dma_segment_t: an address and a length. */
export const SEGMENT_BYTES = 16;

function unsupported(what: string): never {
  throw new Panic(`busdma: loading ${what} is not implemented`, 'unimplemented-export');
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

  /** struct memdesc (sys/memdesc.h). */
  ofMemdesc(at: Ptr): Piece[] {
    const { k } = this;
    const type = k.struct('memdesc');
    const pointer = type.get(at, 'u.md_vaddr');
    switch (type.get(at, 'md_type')) {
      case k.macro('MEMDESC_VADDR'):
        return [{ at: pointer, bytes: type.get(at, 'md_len') }];
      case k.macro('MEMDESC_PADDR'):
        return [{ physical: type.getBig(at, 'u.md_paddr'), bytes: type.get(at, 'md_len') }];
      case k.macro('MEMDESC_VLIST'):
        return this.ofList(pointer, type.get(at, 'md_nseg'), false);
      case k.macro('MEMDESC_PLIST'):
        return this.ofList(pointer, type.get(at, 'md_nseg'), true);
      case k.macro('MEMDESC_UIO'):
        return this.ofUio(pointer);
      case k.macro('MEMDESC_MBUF'):
        return this.ofMbuf(pointer);
      default:
        return unsupported('pages that are mapped nowhere (MEMDESC_VMPAGES)');
    }
  }

  /** A list of bus_dma_segment_t, of addresses of the kernel's or of physical ones. */
  private ofList(list: Ptr, count: number, physical: boolean): Piece[] {
    const { space } = this.k;
    return Array.from({ length: count }, (_, i) => list + i * SEGMENT_BYTES).map((segment) => {
      const address = space.load64(segment);
      const bytes = space.loadU64(segment + 8);
      return physical ? { physical: address, bytes } : { at: space.fromAddress(address), bytes };
    });
  }

  /** The data of a request to a device of CAM (memdesc_ccb()): none for requests without. */
  ofCcb(ccb: Ptr): Piece[] {
    const { k } = this;
    const header = k.struct('ccb_hdr');
    const flags = header.get(ccb, 'flags');
    const none = k.enumValue('CAM_DIR_NONE');
    if ((flags & k.enumValue('CAM_DIR_MASK')) === none) return [];
    const isAta = header.get(ccb, 'func_code') === k.enumValue('XPT_ATA_IO');
    const scsi: readonly number[] = [k.enumValue('XPT_SCSI_IO'), k.enumValue('XPT_CONT_TARGET_IO')];
    if (!isAta && !scsi.includes(header.get(ccb, 'func_code')))
      return unsupported('a request that is neither of SCSI nor of ATA');
    const type = k.struct(isAta ? 'ccb_ataio' : 'ccb_scsiio');
    const at = type.get(ccb, 'data_ptr');
    const bytes = type.get(ccb, 'dxfer_len');
    const count = isAta ? 0 : type.get(ccb, 'sglist_cnt');
    switch (flags & k.enumValue('CAM_DATA_MASK')) {
      case k.enumValue('CAM_DATA_VADDR'):
        return [{ at, bytes }];
      case k.enumValue('CAM_DATA_PADDR'):
        return [{ physical: type.getBig(ccb, 'data_ptr'), bytes }];
      case k.enumValue('CAM_DATA_SG'):
        return this.ofList(at, count, false);
      case k.enumValue('CAM_DATA_SG_PADDR'):
        return this.ofList(at, count, true);
      default:
        return [{ at: k.struct('bio').get(at, 'bio_data'), bytes: k.struct('bio').get(at, 'bio_bcount') }];
    }
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
