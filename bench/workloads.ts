import { homedir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../src/cpu/testing/random.js';

/** Debian's module tree; scripts that prepare the corpus put it there. */
export const MODULES = join(
  homedir(),
  '.cache/modbox/corpus/linux-image-6.1.0-53-amd64_6.1.187-1_amd64/lib/modules/6.1.0-53-amd64/kernel',
);

export interface Workload {
  readonly name: string;
  readonly module: string;
  readonly function: string;
  /** Arguments; a string like '+4096' is an offset into the data area. */
  readonly args: readonly (number | string)[];
  /** Calls in one timed round, about 1 ms natively: shorter than a time slice, as the machine may be busy. */
  readonly calls: number;
  readonly indirect?: boolean;
  /** Counts for the geometric mean; the others are shown apart. */
  readonly group: 'compute' | 'calls';
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
];
