import { createCipheriv, createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { decompressLz4Legacy } from '../formats/compressed/lz4.js';
import { unpack } from '../formats/compressed/unpack.js';
import { DiskFiles } from '../kmod/node/disk-files.js';
import { Machine } from '../machine/linux/machine.js';
import { DiskIndexCache } from '../machine/linux/node/index-cache.js';
import { loadBundled } from '../target/node/index.js';
import { corpusTree } from '../testing/corpus.js';
import { Random } from '../testing/random.js';

const tree = await corpusTree();

const TEXT = new TextEncoder().encode('The quick brown fox jumps over the lazy dog; '.repeat(300));
const NOISE = (() => {
  const random = new Random(7);
  return Uint8Array.from({ length: 5000 }, () => random.below(256));
})();
const MIXED = Uint8Array.from({ length: 20000 }, (_, i) => (i % 97) ^ (NOISE[i % 5000] & 7));
const INPUTS: readonly (readonly [string, Uint8Array])[] = [
  ['a byte', Uint8Array.of(65)],
  ['text', TEXT],
  ['noise', NOISE],
  ['both', MIXED],
];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const count = (first: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => first + i);

describe.skipIf(tree === undefined)("functions of the distribution's modules, called from outside", () => {
  let machine: Machine;

  beforeAll(() => {
    machine = Machine.boot({
      target: loadBundled(),
      files: new DiskFiles(tree!),
      indexCache: new DiskIndexCache(),
    });
  });

  /** Calls an export of the base kernel. */
  function callKernel(name: string, ...args: (number | bigint)[]): bigint {
    return machine.call(machine.kernel.fn(name), ...args);
  }

  for (const [what, input] of INPUTS) {
    it(`LZ4_compress_default of lz4_compress.ko packs ${what}, and another implementation unpacks it`, () => {
      machine.modprobe('lz4_compress');
      const { memory } = machine;
      const room = input.length + 4096;
      const [from, to, work] = [memory.copyIn(input), memory.alloc(room), memory.alloc(16416)];
      const size = Number(machine.call('LZ4_compress_default', from, to, input.length, room, work));
      expect(size).toBeGreaterThan(0);
      const frame = new Uint8Array(8 + size);
      const view = new DataView(frame.buffer);
      view.setUint32(0, 0x184c2102, true);
      view.setUint32(4, size, true);
      frame.set(memory.read(to, size), 8);
      const unpacked = decompressLz4Legacy(frame, 'packed', input.length);
      expect(hex(unpacked.subarray(0, input.length))).toBe(hex(input));
      for (const ptr of [from, to, work]) memory.free(ptr);
    });

    for (const level of [1, 3, 19])
      it(`zstd_compress_cctx of zstd_compress.ko packs ${what} at level ${level}, and another implementation unpacks it`, () => {
        machine.modprobe('zstd_compress');
        const { memory } = machine;
        // struct zstd_parameters is given back in memory that the caller names; it begins with the cParams.
        const params = memory.alloc(64);
        machine.call('zstd_get_params', params, level, input.length);
        const workBytes = Number(machine.call('zstd_cctx_workspace_bound', params));
        const work = callKernel('vmalloc', workBytes);
        const cctx = machine.call('zstd_init_cctx', work, workBytes);
        expect(cctx).not.toBe(0n);
        const room = Number(machine.call('zstd_compress_bound', input.length));
        const [from, to] = [memory.copyIn(input), memory.alloc(room)];
        const size = machine.call('zstd_compress_cctx', cctx, to, room, from, input.length, params);
        expect(size).toBeLessThanOrEqual(BigInt(room)); // errors are the highest numbers
        expect(hex(unpack(memory.read(to, Number(size)), 'packed'))).toBe(hex(input));
        for (const ptr of [params, from, to]) memory.free(ptr);
        callKernel('vfree', work);
      });
  }

  /** One block through the kernel's own interface for single-block ciphers. */
  function encryptBlock(cipher: string, key: Uint8Array, block: Uint8Array): string {
    const { memory } = machine;
    const tfm = callKernel('crypto_alloc_base', memory.copyIn(cipher), 1, 0xf);
    const keyAt = memory.copyIn(key);
    expect(callKernel('crypto_cipher_setkey', tfm, keyAt, key.length) & 0xffffffffn).toBe(0n);
    const [from, to] = [memory.copyIn(block), memory.alloc(block.length)];
    callKernel('crypto_cipher_encrypt_one', tfm, to, from);
    callKernel('crypto_destroy_tfm', tfm, tfm);
    return hex(memory.read(to, block.length));
  }

  it('serpent_generic.ko encrypts as published, by its exported functions', () => {
    machine.modprobe('serpent_generic');
    const { memory } = machine;
    const context = memory.alloc(1024);
    const block = memory.copyIn(count(0, 16));
    const out = memory.alloc(16);
    for (const [bytes, expected] of [
      [16, '4c7d8a328072a22c823e4a1f3acda16d'],
      [32, 'de269ff833e432b85b2e88d2701ce75c'],
    ] as const) {
      machine.call('__serpent_setkey', context, memory.copyIn(count(0, bytes)), bytes);
      machine.call('__serpent_encrypt', context, out, block);
      expect(hex(memory.read(out, 16))).toBe(expected);
      machine.call('__serpent_decrypt', context, out, out);
      expect(hex(memory.read(out, 16))).toBe(hex(count(0, 16)));
    }
  });

  it('twofish_generic.ko encrypts as published, through the crypto API', () => {
    machine.modprobe('twofish_generic');
    const zero = new Uint8Array(16);
    expect(encryptBlock('twofish', zero, zero)).toBe('9f589f5cf6122c32b6bfec2f2ae8c35a');
    expect(encryptBlock('twofish', new Uint8Array(32), zero)).toBe('57ff739d4dc92c1bd7fc01700cc8216f');
  });

  for (const [cipher, module, algorithm, bytes, block] of [
    ['camellia', 'camellia_generic', 'camellia-128-ecb', 16, 16],
    ['camellia', 'camellia_generic', 'camellia-256-ecb', 32, 16],
    ['des3_ede', 'des_generic', 'des-ede3', 24, 8],
  ] as const)
    it(`${module}.ko encrypts as node:crypto does (${algorithm})`, () => {
      machine.modprobe(module);
      for (let round = 0; round < 5; round++) {
        const key = NOISE.slice(round * 64, round * 64 + bytes);
        const text = NOISE.slice(2000 + round * 16, 2000 + round * 16 + block);
        const node = createCipheriv(algorithm, key, null).setAutoPadding(false);
        expect(encryptBlock(cipher, key, text)).toBe(hex(Buffer.concat([node.update(text), node.final()])));
      }
    });

  /** A digest through crypto_alloc_shash(). */
  function digest(name: string, input: Uint8Array, bytes: number): Uint8Array {
    const { memory } = machine;
    const tfm = callKernel('crypto_alloc_shash', memory.copyIn(name), 0, 0);
    const [from, out] = [memory.copyIn(input), memory.alloc(bytes)];
    const result = callKernel('crypto_shash_tfm_digest', tfm, from, input.length, out);
    expect(result & 0xffffffffn).toBe(0n);
    // crypto_free_shash() is inline.
    const base = machine.kernel.struct('crypto_shash').offsetOf('base');
    callKernel('crypto_destroy_tfm', tfm, tfm + BigInt(base));
    const found = memory.read(out, bytes);
    for (const ptr of [from, out]) memory.free(ptr);
    return found;
  }

  for (const [name, module, algorithm, bytes] of [
    ['sha384', 'sha512_generic', 'sha384', 48],
    ['sha512', 'sha512_generic', 'sha512', 64],
    ['sha3-256', 'sha3_generic', 'sha3-256', 32],
    ['sha3-512', 'sha3_generic', 'sha3-512', 64],
    ['rmd160', 'rmd160', 'ripemd160', 20],
    ['blake2b-512', 'blake2b_generic', 'blake2b512', 64],
  ] as const)
    it(`${name} of ${module}.ko is that of node:crypto, through crypto_alloc_shash`, () => {
      machine.modprobe(module);
      for (const [, input] of INPUTS)
        expect(hex(digest(name, input, bytes))).toBe(createHash(algorithm).update(input).digest('hex'));
    });

  it('crc32c of crc32c_generic.ko and md4 of md4.ko are as published', () => {
    for (const name of ['crc32c_generic', 'md4']) machine.modprobe(name);
    const digits = new TextEncoder().encode('123456789');
    expect(hex(digest('crc32c', digits, 4))).toBe('839206e3');
    expect(hex(digest('md4', new TextEncoder().encode('abc'), 16))).toBe('a448017aaf21d8525fc10ae87aa6729d');
  });

  it('leaves no fault behind, and every module can be removed', () => {
    expect(machine.kernel.traps.reports).toEqual([]);
    while (machine.lsmod().length > 0) {
      const free = machine.lsmod().find(({ refcnt, usedBy }) => refcnt === 0 && usedBy.length === 0);
      if (!free) break;
      machine.rmmod(free.name);
    }
    expect(machine.lsmod()).toEqual([]);
    expect(machine.kernel.traps.reports).toEqual([]);
  });

  it('says so when there is no such function, and when it faults', () => {
    machine.modprobe('lz4_compress');
    expect(() => machine.call('LZ4_no_such_function')).toThrow('no loaded module has a function');
    expect(() => machine.call('LZ4_compress_default', 0, 0, 100, 100, 0)).toThrow(/NULL pointer dereference/);
  });
});
