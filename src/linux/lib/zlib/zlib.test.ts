import { deflateRawSync, deflateSync, inflateRawSync, inflateSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Ptr } from '../../../cpu/layout.js';
import { LOGLEVEL_ERR, LOGLEVEL_INFO } from '../../../kernel/log.js';
import { loadBundled } from '../../../target/node/index.js';
import { LinuxKernel } from '../../kernel.js';
import { ZlibDeflate } from './deflate.js';
import { ZlibInflate } from './inflate.js';

const TEXT = Uint8Array.from(
  Array.from({ length: 9000 }, (_, i) => (i % 257 < 200 ? 65 + (i % 23) : (i * 7919) % 251)),
);
/** By the numbers of include/linux/zlib.h. */
const Z_PACKET_FLUSH = 2;
const Z_SYNC_FLUSH = 3;
const Z_FINISH = 5;

describe('zlib in guest memory', () => {
  let k: LinuxKernel;
  let stream: Ptr;
  let input: Ptr;
  let output: Ptr;

  beforeAll(() => {
    k = new LinuxKernel(loadBundled());
    stream = k.slab.allocateBytes(k.sizeOf('z_stream'), true);
    input = k.slab.allocateBytes(16384, true);
    output = k.slab.allocateBytes(16384, true);
  });

  const set = (members: Readonly<Record<string, number>>): void => {
    for (const [member, value] of Object.entries(members)) k.struct('z_stream').set(stream, member, value);
  };
  const get = (member: string): number => k.struct('z_stream').get(stream, member);

  /** Runs a whole stream through, `step` bytes in and out at a time. */
  function through(
    run: (flush: number) => number,
    bytes: Uint8Array,
    step: number,
    flush: number,
  ): Uint8Array {
    k.space.writable(input, bytes.length).set(bytes);
    set({ next_in: input, next_out: output, avail_in: 0, avail_out: 0 });
    for (let result = 0; result === 0 || result === -5; ) {
      if (get('avail_in') === 0) set({ avail_in: Math.min(step, bytes.length - get('total_in')) });
      set({ avail_out: step });
      const isLast = get('total_in') + get('avail_in') === bytes.length;
      result = run(isLast ? Z_FINISH : flush);
      expect([0, 1, -5]).toContain(result);
    }
    return k.space.bytes.slice(output, output + get('total_out'));
  }

  for (const windowBits of [15, -15, -11])
    it(`compresses what zlib decompresses, in pieces: a window of ${windowBits}`, () => {
      const { exports: zlib } = k.get(ZlibDeflate);
      expect(zlib.zlib_deflateInit2(stream, LOGLEVEL_ERR, 8, windowBits, 8, 0)).toBe(0);
      const packed = through((flush) => zlib.zlib_deflate(stream, flush), TEXT, 700, Z_SYNC_FLUSH);
      const unpack = windowBits < 0 ? inflateRawSync : inflateSync;
      expect(packed.length).toBeLessThan(TEXT.length / 2);
      expect(new Uint8Array(unpack(packed, { windowBits: Math.abs(windowBits) }))).toEqual(TEXT);
      expect(zlib.zlib_deflateEnd(stream)).toBe(0);
    });

  for (const windowBits of [15, -15, -11])
    for (const step of [1, 512])
      it(`decompresses what zlib compressed, ${step} bytes at a time: a window of ${windowBits}`, () => {
        const { exports: zlib } = k.get(ZlibInflate);
        const pack = windowBits < 0 ? deflateRawSync : deflateSync;
        const packed = pack(TEXT, { windowBits: Math.abs(windowBits) });
        expect(zlib.zlib_inflateInit2(stream, windowBits)).toBe(0);
        const plain = through(
          (flush) => zlib.zlib_inflate(stream, flush === Z_FINISH ? 0 : flush),
          packed,
          step,
          0,
        );
        expect(plain).toEqual(TEXT);
        expect(zlib.zlib_inflateEnd(stream)).toBe(0);
      });

  it('makes the bytes that zlib makes', () => {
    const { exports: zlib } = k.get(ZlibDeflate);
    zlib.zlib_deflateInit2(stream, LOGLEVEL_INFO, 8, 15, 8, 0);
    const packed = through((flush) => zlib.zlib_deflate(stream, flush), TEXT, TEXT.length, Z_FINISH);
    expect(packed).toEqual(new Uint8Array(deflateSync(TEXT, { level: 6, memLevel: 8 })));
  });

  it('does not know packets of PPP, and says so', () => {
    const { exports: zlib } = k.get(ZlibDeflate);
    zlib.zlib_deflateInit2(stream, LOGLEVEL_INFO, 8, -15, 8, 0);
    expect(() => zlib.zlib_deflate(stream, Z_PACKET_FLUSH)).toThrow('Z_PACKET_FLUSH');
  });

  it('says what is wrong with damaged data', () => {
    const { exports: zlib } = k.get(ZlibInflate);
    const packed = deflateSync(TEXT);
    packed[packed.length - 1] ^= 1;
    k.space.writable(input, packed.length).set(packed);
    zlib.zlib_inflateInit2(stream, 15);
    set({ next_in: input, avail_in: packed.length, next_out: output, avail_out: 16384 });
    expect(zlib.zlib_inflate(stream, Z_FINISH)).toBe(-3);
    expect(k.struct('z_stream').string(stream, 'msg')).toBe('incorrect data check');
  });

  it('asks for the memory that the kernel’s zlib does', () => {
    const { exports: zlib } = k.get(ZlibDeflate);
    expect(zlib.zlib_deflate_workspacesize(15, 8)).toBe(268_104);
  });
});
