import { beforeEach, describe, expect, it } from 'vitest';
import { PAGE_KERNEL } from '../../../cpu/address-space.js';
import type { Ptr } from '../../../cpu/layout.js';
import { loadBundled } from '../../../target/node/index.js';
import { LinuxKernel } from '../../kernel.js';
import { ZstdDecompress } from './zstd-decompress.js';
import { ZstdErrors } from './zstd-errors.js';

/** A frame of one raw block and one of a repeated byte (RFC 8878, 3.1.1). */
const FRAME = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 9, 0x28, 0, 0, 104, 101, 108, 108, 111, 0x23, 0, 0, 33];
const PLAIN = 'hello!!!!';

describe('zstd in guest memory', () => {
  let k: LinuxKernel;
  let data: Ptr;
  let out: Ptr;

  beforeEach(() => {
    k = new LinuxKernel(loadBundled());
    data = k.slab.allocateBytes(256, true);
    out = k.slab.allocateBytes(256, true);
    k.space.writable(data, FRAME.length).set(FRAME);
  });

  it('unpacks a frame at once, if there is room', () => {
    const { exports: zstd } = k.get(ZstdDecompress);
    expect(zstd.zstd_decompress_dctx(0, out, 256, data, FRAME.length)).toBe(PLAIN.length);
    expect(k.space.cstring(out, PLAIN.length)).toBe(PLAIN);
    expect(zstd.zstd_find_frame_compressed_size(data, 256)).toBe(FRAME.length);
    const error = zstd.zstd_decompress_dctx(0, out, 4, data, FRAME.length);
    const { exports: errors } = k.get(ZstdErrors);
    expect(errors.zstd_is_error(BigInt(error))).toBe(1);
    expect(k.space.cstring(errors.zstd_get_error_name(BigInt(error)))).toBe(
      'Destination buffer is too small',
    );
    expect(errors.zstd_is_error(9n)).toBe(0);
  });

  it('unpacks a stream in pieces', () => {
    const { exports: zstd } = k.get(ZstdDecompress);
    const bytes = zstd.zstd_dstream_workspace_bound(1 << 17);
    const stream = zstd.zstd_init_dstream(1 << 17, k.areas.allocate(bytes, 'vmalloc', PAGE_KERNEL), bytes);
    const input = k.slab.allocateBytes(24, true);
    const output = k.slab.allocateBytes(24, true);
    const [source, room] = [k.struct('ZSTD_inBuffer_s'), k.struct('ZSTD_outBuffer_s')];
    source.set(input, 'src', data);
    room.set(output, 'dst', out);
    source.set(input, 'size', 7);
    room.set(output, 'size', 5);
    expect(zstd.zstd_decompress_stream(stream, output, input)).toBeGreaterThan(0);
    expect(source.get(input, 'pos')).toBe(7);
    source.set(input, 'size', FRAME.length + 20);
    expect(zstd.zstd_decompress_stream(stream, output, input)).toBe(4);
    expect(source.get(input, 'pos')).toBe(FRAME.length);
    room.set(output, 'size', 256);
    expect(zstd.zstd_decompress_stream(stream, output, input)).toBe(0);
    expect(k.space.cstring(out, PLAIN.length)).toBe(PLAIN);
  });
});
