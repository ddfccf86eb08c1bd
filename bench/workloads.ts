import { Random } from '../src/cpu/testing/random.js';

export interface Workload {
  readonly name: string;
  readonly module: string;
  readonly function: string;
  /** Arguments; a string like '+4096' is an offset into the data area. */
  readonly args: readonly (number | string)[];
  /** Calls in one timed round, about 1 ms natively: shorter than a time slice, as the machine may be busy. */
  readonly calls: number;
  readonly indirect?: boolean;
  /** A table of pointers into the data, and where in it it lies. */
  readonly pointers?: { readonly at: number; readonly to: readonly string[] };
  /** 'compute' and 'vector' have a geometric mean each. */
  readonly group: 'compute' | 'calls' | 'vector';
}

export const DATA_SIZE = 1 << 20;

/** Data that compresses somewhat: words from a small vocabulary, then noise. */
export function initialData(): Uint8Array {
  const r = new Random(7);
  const data = new Uint8Array(DATA_SIZE);
  const words = Array.from({ length: 200 }, () =>
    Array.from({ length: 3 + r.below(8) }, () => 97 + r.below(26)).concat(32),
  );
  for (let at = 0; at < DATA_SIZE; ) {
    const word = r.chance(10) ? [r.below(256), r.below(256), r.below(256)] : r.pick(words);
    for (const byte of word) if (at < DATA_SIZE) data[at++] = byte;
  }
  return data;
}

const OUT = '+524288';
const WORK = '+786432';

/** Eight blocks of data, then P and Q. */
const STRIPES = Array.from({ length: 10 }, (_, i) => `+${i < 8 ? i * 4096 : 786432 + (i - 8) * 4096}`);

export const WORKLOADS: readonly Workload[] = [
  {
    name: 'lz4 compress 64K',
    module: 'lib/lz4/lz4_compress.ko',
    function: 'LZ4_compress_default',
    args: ['+0', OUT, 65536, 131072, WORK],
    calls: 4,
    group: 'compute',
  },
  {
    name: 'twofish block',
    module: 'crypto/twofish_generic.ko',
    function: 'twofish_encrypt',
    args: ['+0', OUT, '+8192'],
    calls: 6000,
    group: 'compute',
  },
  {
    name: 'serpent block',
    module: 'crypto/serpent_generic.ko',
    function: '__serpent_encrypt',
    args: ['+0', OUT, '+8192'],
    calls: 3000,
    group: 'compute',
  },
  {
    name: 'sha512 4K',
    module: 'crypto/sha512_generic.ko',
    function: 'sha512_generic_block_fn',
    args: ['+0', '+8192', 32],
    calls: 60,
    group: 'compute',
  },
  {
    name: 'crc64 4K',
    module: 'lib/crc64.ko',
    function: 'crc64_be',
    args: [0, '+0', 4096],
    calls: 150,
    group: 'compute',
  },
  {
    name: 'rmd160 block',
    module: 'crypto/rmd160.ko',
    function: 'rmd160_transform',
    args: ['+0', '+8192'],
    calls: 3000,
    group: 'compute',
  },
  {
    name: 'blake2b 4K',
    module: 'crypto/blake2b_generic.ko',
    function: 'blake2b_compress_generic',
    args: ['+0', '+8192', 32, 128],
    calls: 150,
    group: 'compute',
  },
  {
    name: 'keccak round',
    module: 'crypto/sha3_generic.ko',
    function: 'keccakf_round',
    args: ['+0'],
    calls: 15000,
    group: 'compute',
  },
  {
    name: 'call crc7 1 byte',
    module: 'lib/crc7.ko',
    function: 'crc7_be',
    args: [0, '+0', 1],
    calls: 300000,
    group: 'calls',
  },
  {
    name: 'indirect crc7',
    module: 'lib/crc7.ko',
    function: 'crc7_be',
    args: [0, '+0', 1],
    calls: 300000,
    indirect: true,
    group: 'calls',
  },
  {
    name: 'curve25519',
    module: 'lib/crypto/libcurve25519-generic.ko',
    function: 'curve25519_generic',
    args: [OUT, '+0', '+64'],
    calls: 8,
    group: 'calls',
  },
  {
    name: 'raid6 sse2x4 32K',
    module: 'lib/raid6/raid6_pq.ko',
    function: 'raid6_sse24_gen_syndrome',
    args: [10, 4096, OUT],
    pointers: { at: 524288, to: STRIPES },
    calls: 200,
    group: 'vector',
  },
  {
    name: 'raid6 avx2x4 32K',
    module: 'lib/raid6/raid6_pq.ko',
    function: 'raid6_avx24_gen_syndrome',
    args: [10, 4096, OUT],
    pointers: { at: 524288, to: STRIPES },
    calls: 300,
    group: 'vector',
  },
  {
    name: 'aes ecb 4K',
    module: 'arch/x86/crypto/aesni-intel.ko',
    function: 'aesni_ecb_enc',
    args: ['+0', OUT, '+8192', 4096],
    calls: 300,
    group: 'vector',
  },
  {
    name: 'aes ecb decrypt 4K',
    module: 'arch/x86/crypto/aesni-intel.ko',
    function: 'aesni_ecb_dec',
    args: ['+0', OUT, '+8192', 4096],
    calls: 300,
    group: 'vector',
  },
  {
    name: 'aes ctr 4K',
    module: 'arch/x86/crypto/aesni-intel.ko',
    function: 'aes_ctr_enc_128_avx_by8',
    args: ['+8192', WORK, '+0', OUT, 4096],
    calls: 400,
    group: 'vector',
  },
  {
    name: 'ghash 4K',
    module: 'arch/x86/crypto/ghash-clmulni-intel.ko',
    function: 'clmul_ghash_update',
    args: [OUT, '+8192', 4096, '+0'],
    calls: 200,
    group: 'vector',
  },
  {
    name: 'sha256 avx2 4K',
    module: 'arch/x86/crypto/sha256-ssse3.ko',
    function: 'sha256_transform_rorx',
    args: [OUT, '+8192', 64],
    calls: 60,
    group: 'vector',
  },
  {
    name: 'sha512 avx2 4K',
    module: 'arch/x86/crypto/sha512-ssse3.ko',
    function: 'sha512_transform_rorx',
    args: [OUT, '+8192', 32],
    calls: 100,
    group: 'vector',
  },
  {
    name: 'chacha avx2 512B',
    module: 'arch/x86/crypto/chacha-x86_64.ko',
    function: 'chacha_8block_xor_avx2',
    args: ['+0', OUT, '+8192', 512, 20],
    calls: 4000,
    group: 'vector',
  },
  {
    name: 'serpent avx2 512B',
    module: 'arch/x86/crypto/serpent-avx2.ko',
    function: 'serpent_ecb_enc_16way',
    args: ['+0', OUT, '+8192'],
    calls: 2000,
    group: 'vector',
  },
  {
    name: 'camellia avx2 512B',
    module: 'arch/x86/crypto/camellia-aesni-avx2.ko',
    function: 'camellia_ecb_enc_32way',
    args: ['+0', OUT, '+8192'],
    calls: 600,
    group: 'vector',
  },
  {
    name: 'crc32c 4K',
    module: 'arch/x86/crypto/crc32c-intel.ko',
    function: 'crc_pcl',
    args: ['+8192', 4096, 1],
    calls: 2000,
    group: 'vector',
  },
];
