import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { LZO_E_OK, LZO_E_OUTPUT_OVERRUN, lzo1xCompress, lzo1xDecompress } from './lzo1x.js';

/** LZO compression (lib/lzo). Runs of zeros (lzo-rle) are read; writing them is not implemented. */
export class Lzo implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    lzo1x_1_compress: (data: Ptr, length: number, out: Ptr, outLength: Ptr) =>
      this.compress(data, length, out, outLength, Number.POSITIVE_INFINITY),
    lzo1x_1_compress_safe: (data: Ptr, length: number, out: Ptr, outLength: Ptr) =>
      this.compress(data, length, out, outLength, this.k.space.loadU64(outLength)),
    lzo1x_decompress_safe: (data: Ptr, length: number, out: Ptr, outLength: Ptr) =>
      this.decompress(data, length, out, outLength),
  };

  compress(data: Ptr, length: number, out: Ptr, outLength: Ptr, room: number): number {
    const { space } = this.k;
    const bytes = lzo1xCompress(space.readable(data, length));
    if (bytes.length > room) return LZO_E_OUTPUT_OVERRUN;
    space.writable(out, bytes.length).set(bytes);
    space.storeLong(outLength, bytes.length);
    return LZO_E_OK;
  }

  /** *outLength: how much room there is, then how much there was. */
  decompress(data: Ptr, length: number, out: Ptr, outLength: Ptr): number {
    const { space } = this.k;
    const room = space.loadU64(outLength);
    const { result, length: written } = lzo1xDecompress(
      space.readable(data, length).slice(),
      space.writable(out, room),
    );
    space.storeLong(outLength, written);
    return result;
  }
}
