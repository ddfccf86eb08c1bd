import { createCipheriv, createHash, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { DiskFiles } from '../kmod/node/disk-files.js';
import { Machine } from '../machine/linux/machine.js';
import { DiskIndexCache } from '../machine/linux/node/index-cache.js';
import { loadBundled } from '../target/node/index.js';
import { corpusTree } from '../testing/corpus.js';
import { Random } from '../testing/random.js';

const tree = await corpusTree();

const random = new Random(11);
const noise = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.below(256));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Messages of all lengths up to a few blocks, and long ones. */
const MESSAGES = [0, 1, 15, 16, 55, 56, 63, 64, 65, 127, 128, 129, 255, 1000, 4096, 9000].map(noise);

describe.skipIf(tree === undefined)('modules that use vector instructions', () => {
  let machine: Machine;

  beforeAll(() => {
    machine = Machine.boot({
      target: loadBundled(),
      files: new DiskFiles(tree!),
      indexCache: new DiskIndexCache(),
    });
  });

  function callKernel(name: string, ...args: (number | bigint)[]): bigint {
    return machine.call(machine.kernel.fn(name), ...args);
  }

  /** A copy in guest memory, aligned to a page. */
  function place(bytes: Uint8Array, room = bytes.length): number {
    const at = (machine.memory.alloc(room + 8192) + 4095) & ~4095;
    machine.memory.write(at, bytes);
    return at;
  }

  const read = (at: number, length: number): Uint8Array => machine.memory.read(at, length);

  /** A digest by a named driver, through crypto_alloc_shash(). */
  function digests(driver: string, bytes: number, messages: readonly Uint8Array[]): string[] {
    const tfm = callKernel('crypto_alloc_shash', machine.memory.copyIn(driver), 0, 0);
    const out = machine.memory.alloc(bytes);
    const found = messages.map((message) => {
      const at = machine.memory.copyIn(message.length ? message : Uint8Array.of(0));
      expect(callKernel('crypto_shash_tfm_digest', tfm, at, message.length, out) & 0xffff_ffffn).toBe(0n);
      machine.memory.free(at);
      return hex(read(out, bytes));
    });
    const base = machine.kernel.struct('crypto_shash').offsetOf('base');
    callKernel('crypto_destroy_tfm', tfm, tfm + BigInt(base));
    return found;
  }

  for (const [module, algorithm, bytes, drivers] of [
    ['sha1-ssse3', 'sha1', 20, ['sha1-ssse3', 'sha1-avx', 'sha1-avx2']],
    ['sha256-ssse3', 'sha256', 32, ['sha256-ssse3', 'sha256-avx', 'sha256-avx2']],
    ['sha512-ssse3', 'sha512', 64, ['sha512-ssse3', 'sha512-avx', 'sha512-avx2']],
  ] as const)
    for (const driver of drivers)
      it(`${driver} of ${module}.ko is ${algorithm} of node:crypto`, () => {
        machine.modprobe(module);
        expect(digests(driver, bytes, MESSAGES)).toEqual(
          MESSAGES.map((message) => createHash(algorithm).update(message).digest('hex')),
        );
      });

  it('the SHA instructions compute what AVX code does, where the processor does not announce them', () => {
    for (const [module, words] of [
      ['sha1', 5],
      ['sha256', 8],
    ] as const) {
      machine.modprobe(`${module}-ssse3`);
      const state = noise(words * 4);
      const blocks = place(noise(64 * 5));
      const results = [`${module}_ni_transform`, `${module}_transform_avx`].map((fn) => {
        const at = place(state);
        machine.call(fn, at, blocks, 5);
        return hex(read(at, words * 4));
      });
      expect(results[0]).toBe(results[1]);
      expect(results[0]).not.toBe(hex(state));
    }
  });

  it('checksums of crc32c-intel, crc32-pclmul and crct10dif-pclmul are as published, and those of other code', () => {
    for (const name of [
      'crc32c-intel',
      'crc32c_generic',
      'crc32-pclmul',
      'crct10dif-pclmul',
      'crct10dif_common',
    ])
      machine.modprobe(name);
    const digits = ascii('123456789');
    expect(digests('crc32c-intel', 4, [digits])).toEqual(['839206e3']);
    expect(digests('crc32c-intel', 4, MESSAGES)).toEqual(digests('crc32c-generic', 4, MESSAGES));
    expect(digests('crct10dif-pclmul', 2, [digits])).toEqual(['dbd0']);
    const t10 = (message: Uint8Array): string => {
      const at = machine.memory.copyIn(message);
      const crc = Number(machine.call('crc_t10dif_generic', 0, at, message.length)) & 0xffff;
      return hex(Uint8Array.of(crc & 255, crc >> 8));
    };
    const some = MESSAGES.filter(({ length }) => length > 0);
    expect(digests('crct10dif-pclmul', 2, some)).toEqual(some.map(t10));
    // Without the inversions at both ends: crc32(~0 seed) of zlib, undone.
    const folded = MESSAGES.filter(({ length }) => length >= 64 && length % 16 === 0);
    for (const message of folded) {
      const crc = machine.call('crc32_pclmul_le_16', place(message), message.length, 0xffff_ffffn);
      expect(Number(crc & 0xffff_ffffn)).toBe(~crc32(message) >>> 0);
    }
  });

  /** Calls the assembler functions of aesni-intel.ko on page-aligned memory. */
  class Aes {
    readonly context: number;
    readonly out: number;
    constructor(readonly key: Uint8Array) {
      this.context = place(new Uint8Array(1024));
      this.out = place(new Uint8Array(16), 8192);
      machine.call('aesni_set_key', this.context, place(key), key.length);
    }

    run(fn: string, from: Uint8Array, ...more: (number | bigint)[]): Uint8Array {
      machine.call(fn, this.context, this.out, place(from), from.length, ...more);
      return read(this.out, from.length);
    }
  }

  const byNode = (cipher: string, key: Uint8Array, iv: Uint8Array | null, text: Uint8Array): string => {
    const node = createCipheriv(cipher as 'aes-128-gcm', key, iv).setAutoPadding(false);
    return hex(Buffer.concat([node.update(text), node.final()]));
  };

  for (const bits of [128, 192, 256])
    it(`aesni-intel.ko encrypts and decrypts as node:crypto does (aes-${bits})`, () => {
      machine.modprobe('aesni-intel');
      const key = noise(bits / 8);
      const iv = noise(16);
      const text = noise(16 * 21);
      const aes = new Aes(key);
      const ecb = aes.run('aesni_ecb_enc', text);
      expect(hex(ecb)).toBe(byNode(`aes-${bits}-ecb`, key, null, text));
      expect(hex(aes.run('aesni_ecb_dec', ecb))).toBe(hex(text));
      const cbc = aes.run('aesni_cbc_enc', text, place(iv));
      expect(hex(cbc)).toBe(byNode(`aes-${bits}-cbc`, key, iv, text));
      expect(hex(aes.run('aesni_cbc_dec', cbc, place(iv)))).toBe(hex(text));
      const [from, counter, out] = [place(text), place(iv), place(text)];
      machine.call(`aes_ctr_enc_${bits}_avx_by8`, from, counter, aes.context, out, text.length);
      expect(hex(read(out, text.length))).toBe(byNode(`aes-${bits}-ctr`, key, iv, text));
    });

  it('the base kernel expands keys and encrypts single blocks as aesni-intel.ko does', () => {
    machine.modprobe('aesni-intel');
    for (const bytes of [16, 24, 32]) {
      const key = noise(bytes);
      const block = noise(16);
      const aes = new Aes(key);
      const context = place(new Uint8Array(1024));
      expect(callKernel('aes_expandkey', context, place(key), bytes)).toBe(0n);
      expect(hex(read(context, 484))).toBe(hex(read(aes.context, 484)));
      const out = place(block);
      callKernel('aes_encrypt', context, out, out);
      expect(hex(read(out, 16))).toBe(hex(aes.run('aesni_ecb_enc', block)));
      callKernel('aes_decrypt', context, out, out);
      expect(hex(read(out, 16))).toBe(hex(block));
    }
  });

  it('aesni-intel.ko encrypts and authenticates as node:crypto does (gcm, with AVX2, AVX and SSE)', () => {
    machine.modprobe('aesni-intel');
    for (const [bits, suffix] of [
      [128, '_avx_gen4'],
      [256, '_avx_gen4'],
      [128, '_avx_gen2'],
      [256, ''],
    ] as const)
      for (const length of [16, 100, 1500]) {
        const [key, nonce, aad, text] = [noise(bits / 8), noise(12), noise(20), noise(length)];
        const aes = new Aes(key);
        const subkey = place(aes.run('aesni_ecb_enc', new Uint8Array(16)));
        const state = place(new Uint8Array(2048));
        const iv = place(Uint8Array.of(...nonce, 0, 0, 0, 1));
        const [out, tag] = [place(text), place(new Uint8Array(16))];
        machine.call(`aesni_gcm_init${suffix}`, aes.context, state, iv, subkey, place(aad), aad.length);
        machine.call(`aesni_gcm_enc_update${suffix}`, aes.context, state, out, place(text), length);
        machine.call(`aesni_gcm_finalize${suffix}`, aes.context, state, tag, 16);
        const node = createCipheriv(`aes-${bits}-gcm`, key, nonce).setAAD(aad);
        expect(hex(read(out, length))).toBe(hex(Buffer.concat([node.update(text), node.final()])));
        expect(hex(read(tag, 16))).toBe(hex(node.getAuthTag()));
      }
  });

  it('chacha_crypt_arch of chacha-x86_64.ko is chacha20 of node:crypto', () => {
    machine.modprobe('chacha-x86_64');
    for (const text of MESSAGES.filter(({ length }) => length > 0)) {
      const [key, iv] = [noise(32), noise(16)];
      const state = place(Uint8Array.of(...ascii('expand 32-byte k'), ...key, ...iv));
      const out = place(text);
      machine.call('chacha_crypt_arch', state, out, place(text), text.length, 20);
      expect(hex(read(out, text.length))).toBe(byNode('chacha20', key, iv, text));
    }
  });

  it('poly1305-simd of poly1305-x86_64.ko is (sum of m[i] r^i mod 2^130 - 5) + s', () => {
    machine.modprobe('poly1305-x86_64');
    const number = (bytes: Uint8Array): bigint => BigInt(`0x${hex(bytes.slice().reverse()) || '0'}`);
    const tag = (message: Uint8Array): string => {
      const r = number(message.subarray(0, 16)) & 0x0ffffffc_0ffffffc_0ffffffc_0fffffffn;
      let sum = 0n;
      for (let at = 32; at < message.length; at += 16) {
        const block = message.subarray(at, Math.min(at + 16, message.length));
        sum = ((sum + number(Uint8Array.of(...block, 1))) * r) % (2n ** 130n - 5n);
      }
      const value = BigInt.asUintN(128, sum + number(message.subarray(16, 32)));
      return hex(Buffer.from(value.toString(16).padStart(32, '0'), 'hex').reverse());
    };
    // The key is the first 32 bytes of the message.
    const messages = MESSAGES.map((message) => Uint8Array.of(...noise(32), ...message));
    expect(digests('poly1305-simd', 16, messages)).toEqual(messages.map(tag));
  });

  it('curve25519_arch of curve25519-x86_64.ko agrees with node:crypto', () => {
    machine.modprobe('curve25519-x86_64');
    const [secret, other] = [noise(32), noise(32)];
    const key = (bytes: Uint8Array): ReturnType<typeof createPrivateKey> =>
      createPrivateKey({
        key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), bytes]),
        format: 'der',
        type: 'pkcs8',
      });
    const publicKey = createPublicKey(key(other));
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    const out = place(new Uint8Array(32));
    machine.call('curve25519_arch', out, place(secret), place(raw));
    expect(hex(read(out, 32))).toBe(hex(diffieHellman({ privateKey: key(secret), publicKey })));
  });

  /** Encrypts blocks one by one by a generic function. */
  function oneByOne(fn: string, context: number, text: Uint8Array, block: number): string {
    const [from, out] = [place(text), place(text)];
    for (let at = 0; at < text.length; at += block) machine.call(fn, context, out + at, from + at);
    return hex(read(out, text.length));
  }

  for (const [module, setKey, keyBytes, single, many, ways, block] of [
    ['serpent-sse2-x86_64', '__serpent_setkey', 32, '__serpent_encrypt', '__serpent_enc_blk_8way', 8, 16],
    ['serpent-avx-x86_64', '__serpent_setkey', 32, '__serpent_encrypt', 'serpent_ecb_enc_8way_avx', 8, 16],
    ['serpent-avx2', '__serpent_setkey', 32, '__serpent_encrypt', 'serpent_ecb_enc_16way', 16, 16],
    ['camellia-aesni-avx-x86_64', '__camellia_setkey', 32, '', 'camellia_ecb_enc_16way', 16, 16],
    ['camellia-aesni-avx2', '__camellia_setkey', 32, '', 'camellia_ecb_enc_32way', 32, 16],
    ['twofish-avx-x86_64', '__twofish_setkey', 32, 'twofish_enc_blk', 'twofish_ecb_enc_8way', 8, 16],
    ['cast5-avx-x86_64', 'cast5_setkey', 16, '__cast5_encrypt', 'cast5_ecb_enc_16way', 16, 8],
    ['cast6-avx-x86_64', '__cast6_setkey', 32, '__cast6_encrypt', 'cast6_ecb_enc_8way', 8, 16],
  ] as const)
    it(`${many} of ${module}.ko encrypts ${ways} blocks at once as one by one, and back`, () => {
      machine.modprobe(module);
      const key = noise(keyBytes);
      // cast5_setkey takes a crypto_tfm, with the context behind it.
      const tfm = place(new Uint8Array(4096));
      const context =
        setKey === 'cast5_setkey' ? tfm + machine.kernel.struct('crypto_tfm').offsetOf('__crt_ctx') : tfm;
      machine.call(setKey, tfm, place(key), keyBytes, 0);
      const text = noise(ways * block);
      const expected = single
        ? oneByOne(single, context, text, block)
        : byNode('camellia-256-ecb', key, null, text);
      const out = place(text);
      // The last argument tells __serpent_enc_blk_8way not to XOR.
      machine.call(many, context, out, place(text), 0);
      expect(hex(read(out, text.length))).toBe(expected);
      if (many === '__serpent_enc_blk_8way') return;
      machine.call(many.replace('_enc_', '_dec_'), context, out, out);
      expect(hex(read(out, text.length))).toBe(hex(text));
    });

  it('raid6_pq.ko computes P and Q with every algorithm, and recovers two disks', () => {
    machine.modprobe('raid6_pq');
    const disks = Array.from({ length: 8 }, () => noise(4096));
    const double = (byte: number): number => ((byte << 1) ^ (byte & 0x80 ? 0x11d : 0)) & 255;
    const p = disks[0].map((_, i) => disks.reduce((sum, disk) => sum ^ disk[i], 0));
    const q = disks[0].map((_, i) => disks.reduceRight((sum, disk) => double(sum) ^ disk[i], 0));
    const pages = [...disks, p, q].map((bytes) => place(bytes));
    const table = place(new Uint8Array(80));
    const view = new DataView(new ArrayBuffer(80));
    pages.forEach((page, i) => {
      view.setBigUint64(i * 8, machine.kernel.space.toAddress(page), true);
    });
    machine.memory.write(table, new Uint8Array(view.buffer));
    for (const kind of ['int8', 'sse21', 'sse22', 'sse24', 'avx21', 'avx22', 'avx24']) {
      for (const page of pages.slice(8)) machine.memory.write(page, new Uint8Array(4096));
      machine.call(`raid6_${kind}_gen_syndrome`, 10, 4096, table);
      expect(hex(read(pages[8], 4096))).toBe(hex(p));
      expect(hex(read(pages[9], 4096))).toBe(hex(q));
    }
    for (const kind of ['intx1', 'ssse3', 'avx2']) {
      for (const lost of [2, 5]) machine.memory.write(pages[lost], new Uint8Array(4096));
      machine.call(`raid6_2data_recov_${kind}`, 10, 4096, 2, 5, table);
      for (const lost of [2, 5]) expect(hex(read(pages[lost], 4096))).toBe(hex(disks[lost]));
    }
  });

  it('xor_blocks of xor.ko is the sum of its sources', () => {
    machine.modprobe('xor');
    const blocks = Array.from({ length: 5 }, () => noise(4096));
    const pages = blocks.map((bytes) => place(bytes));
    const view = new DataView(new ArrayBuffer(32));
    pages.slice(1).forEach((page, i) => {
      view.setBigUint64(i * 8, machine.kernel.space.toAddress(page), true);
    });
    machine.call('xor_blocks', 4, 4096, pages[0], place(new Uint8Array(view.buffer)));
    expect(hex(read(pages[0], 4096))).toBe(
      hex(blocks[0].map((_, i) => blocks.reduce((sum, block) => sum ^ block[i], 0))),
    );
  });

  it('leaves no fault behind', () => {
    expect(machine.kernel.traps.reports).toEqual([]);
  });
});
