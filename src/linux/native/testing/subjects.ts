import type { Random } from '../../../testing/random.js';
import type { Argument, Bytes, Subject } from './differential.js';

/** Bits that bitmaps of the tests have. */
const BITS = 200;
const BITMAP_BYTES = 32;
const TEXTS = [
  '',
  'a',
  'abc',
  'Hello, World',
  '  spaces  ',
  '0x1F',
  '-42',
  '077',
  'a,b;c',
  'yes',
  'no',
  '/dev/null',
  'ab\n',
];
const ALPHABET = 'abAB01 ,-x*?[]\n\t';

const bytes = (random: Random, length: number): Bytes => Uint8Array.from({ length }, () => random.below(256));
const zeros = (length: number): Bytes => new Uint8Array(length);
const encode = (text: string): Bytes => Uint8Array.from([...text, '\0'], (c) => c.charCodeAt(0));
const word = (random: Random): number =>
  random.below(4) === 0 ? random.below(300) : random.below(2 ** 31) * 2 + random.below(2);
const long = (random: Random): bigint => {
  const value = (BigInt(word(random)) << 32n) | BigInt(word(random));
  return value >> BigInt(random.below(64));
};

function text(random: Random): Bytes {
  if (random.below(3) === 0) return encode(random.pick(TEXTS));
  return encode(Array.from({ length: random.below(20) }, () => random.pick([...ALPHABET])).join(''));
}

/** Sparse, dense or mixed. */
function bitmap(random: Random): Bytes {
  const map = bytes(random, BITMAP_BYTES);
  const kind = random.below(4);
  if (kind === 0) return map.map((byte) => (random.below(4) === 0 ? byte & 0x11 : 0));
  if (kind === 1) return map.map((byte) => byte | 0xee);
  return map;
}

/** A text that is a number, more or less. */
function numeral(random: Random): Bytes {
  const sign = random.pick(['', '', '', '-', '+', ' ']);
  const prefix = random.pick(['', '', '0x', '0', '0X']);
  const digits = long(random).toString(random.pick([10, 10, 16, 8]));
  return encode(sign + prefix + digits + random.pick(['', '', '', '\n', 'k', ' ', '-']));
}

const subject = (name: string, make: (random: Random) => readonly Argument[]): Subject => ({ name, make });
const each = (names: string, make: (random: Random) => readonly Argument[]): Subject[] =>
  names.split(' ').map((name) => subject(name, make));

const size = (random: Random): number => 1 + random.below(BITS);
const base = (random: Random): number => random.pick([0, 10, 16, 8, 2, 36]);

const BITMAPS: readonly Subject[] = [
  ...each('__bitmap_and __bitmap_andnot __bitmap_or __bitmap_xor', (r) => [
    zeros(32),
    bitmap(r),
    bitmap(r),
    size(r),
  ]),
  ...each('__bitmap_equal __bitmap_intersects __bitmap_subset', (r) => [bitmap(r), bitmap(r), size(r)]),
  ...each('__bitmap_shift_left __bitmap_shift_right', (r) => [zeros(32), bitmap(r), r.below(BITS), BITS]),
  subject('__bitmap_complement', (r) => [zeros(32), bitmap(r), size(r)]),
  subject('__bitmap_weight', (r) => [bitmap(r), size(r)]),
  subject('__bitmap_replace', (r) => [zeros(32), bitmap(r), bitmap(r), bitmap(r), size(r)]),
  ...each('__bitmap_set __bitmap_clear', (r) => [bitmap(r), r.below(100), r.below(100)]),
  subject('bitmap_cut', (r) => [zeros(32), bitmap(r), r.below(64), r.below(64), BITS]),
  subject('bitmap_find_next_zero_area_off', (r) => [
    bitmap(r),
    BITS,
    r.below(BITS),
    1 + r.below(8),
    r.pick([0, 1, 3, 7]),
    r.below(4),
  ]),
  ...each('bitmap_find_free_region', (r) => [bitmap(r), 64 * (1 + r.below(3)), r.below(4)]),
  ...each('bitmap_allocate_region bitmap_release_region', (r) => [bitmap(r), 8 * r.below(8), r.below(4)]),
  subject('bitmap_parselist', (r) => [
    encode(
      Array.from(
        { length: 1 + r.below(3) },
        () => `${r.below(80)}-${r.below(90)}${r.pick(['', ':2/4', ':1/9'])}`,
      ).join(r.pick([',', ' '])),
    ),
    zeros(32),
    64 + r.below(64),
  ]),
  subject('bitmap_from_arr32', (r) => [zeros(32), bitmap(r), size(r)]),
  subject('bitmap_to_arr32', (r) => [zeros(32), bitmap(r), size(r)]),
  ...each('_find_first_bit _find_first_zero_bit _find_last_bit', (r) => [bitmap(r), size(r)]),
  ...each('_find_next_bit _find_next_zero_bit', (r) => [bitmap(r), size(r), r.below(BITS + 20)]),
  ...each('_find_next_and_bit _find_next_andnot_bit', (r) => [
    bitmap(r),
    bitmap(r),
    size(r),
    r.below(BITS + 20),
  ]),
  subject('_find_first_and_bit', (r) => [bitmap(r), bitmap(r), size(r)]),
  subject('__find_nth_bit', (r) => [bitmap(r), size(r), r.below(40)]),
  subject('memweight', (r) => [bytes(r, 40), r.below(40)]),
];

const SUMS: readonly Subject[] = [
  ...each('crc32_le crc32_be __crc32c_le', (r) => [word(r), bytes(r, 64), r.below(64)]),
  ...each('crc_ccitt crc_ccitt_false', (r) => [r.below(65536), bytes(r, 64), r.below(64)]),
  ...each('crc32_le_shift __crc32c_le_shift', (r) => [word(r), r.below(5000)]),
  subject('xxh64', (r) => [bytes(r, 128), r.below(128), long(r)]),
  subject('sha256', (r) => [bytes(r, 200), r.below(200), zeros(32)]),
  subject('csum_partial', (r) => [bytes(r, 80), r.below(80), word(r)]),
  subject('ip_compute_csum', (r) => [bytes(r, 80), r.below(80)]),
  subject('full_name_hash', (r) => [0, text(r), r.below(10)]),
  subject('hashlen_string', (r) => [0, text(r)]),
];

const MATHS: readonly Subject[] = [
  ...each('gcd lcm lcm_not_zero', (r) => [BigInt(word(r)), BigInt(word(r))]),
  subject('int_sqrt', (r) => [long(r)]),
  subject('int_pow', (r) => [long(r), r.below(20)]),
  subject('iter_div_u64_rem', (r) => [BigInt(r.below(100_000)), 1 + r.below(5000), zeros(8)]),
  subject('rational_best_approximation', (r) => [
    BigInt(word(r)),
    BigInt(1 + word(r)),
    BigInt(1 + r.below(5000)),
    BigInt(1 + r.below(5000)),
    zeros(8),
    zeros(8),
  ]),
  subject('mktime64', (r) => [
    1970 + r.below(200),
    1 + r.below(12),
    1 + r.below(31),
    r.below(24),
    r.below(60),
    r.below(60),
  ]),
  subject('time64_to_tm', (r) => [
    BigInt(word(r)) * BigInt(r.pick([1, -1, 20])),
    r.pick([0, 3600, -7200]),
    zeros(56),
  ]),
  ...each('__msecs_to_jiffies __usecs_to_jiffies', (r) => [word(r)]),
  ...each(
    'jiffies_to_msecs jiffies_to_usecs jiffies_to_clock_t clock_t_to_jiffies jiffies64_to_nsecs',
    (r) => [BigInt(word(r))],
  ),
  ...each('nsecs_to_jiffies jiffies64_to_msecs jiffies_64_to_clock_t', (r) => [long(r)]),
  subject('jiffies_to_timespec64', (r) => [BigInt(word(r)), zeros(16)]),
  subject('set_normalized_timespec64', (r) => [zeros(16), BigInt(word(r)), long(r) % 10_000_000_000n]),
  subject('ktime_add_safe', (r) => [long(r), long(r)]),
];

const STRINGS: readonly Subject[] = [
  ...each('strlen skip_spaces', (r) => [text(r)]),
  subject('strim', (r) => [text(r)]),
  subject('strnlen', (r) => [text(r), r.below(30)]),
  ...each('strcmp strcasecmp sysfs_streq strstr strspn strcspn strpbrk', (r) => [text(r), text(r)]),
  ...each('strncmp strncasecmp strnstr', (r) => [text(r), text(r), r.below(12)]),
  ...each('strchr strrchr strchrnul', (r) => [text(r), r.pick([97, 48, 44, 0, 300])]),
  subject('strnchr', (r) => [text(r), r.below(12), r.pick([97, 48, 44, 0])]),
  ...each('memchr memscan memchr_inv', (r) => [
    bitmap(r),
    r.pick([0, 0x11, 0xee, 255, 256 + 0x11]),
    r.below(32),
  ]),
  ...each('memcmp bcmp', (r) => [bitmap(r), bitmap(r), r.below(32)]),
  ...each('strlcpy strscpy strscpy_pad', (r) => [zeros(40), text(r), 1 + r.below(30)]),
  subject('strncpy', (r) => [bytes(r, 40), text(r), r.below(30)]),
  subject('strreplace', (r) => [text(r), 97, 98]),
  subject('memcpy_and_pad', (r) => [zeros(40), r.below(40), bytes(r, 40), r.below(40), r.below(256)]),
  ...each('hex_to_bin', (r) => [r.below(256)]),
  subject('bin2hex', (r) => [zeros(40), bytes(r, 20), r.below(20)]),
  subject('hex2bin', (r) => [
    zeros(20),
    encode(bytes(r, 6).reduce((hex, b) => hex + b.toString(r.pick([16, 16, 17])), '')),
    r.below(4),
  ]),
  subject('hex_dump_to_buffer', (r) => [
    bytes(r, 40),
    r.below(40),
    r.pick([16, 32]),
    r.pick([1, 2, 4, 8, 3]),
    zeros(200),
    r.below(150),
    r.below(2),
  ]),
  ...each('uuid_is_valid', (r) => [
    encode(r.pick(['c0d8b1a2-0000-4000-8000-0123456789ab', 'c0d8b1a2-0000-4000-8000-0123456789ag', 'short'])),
  ]),
  subject('string_escape_mem', (r) => [
    bytes(r, 20),
    r.below(20),
    zeros(100),
    r.below(90),
    r.below(64),
    r.below(2) ? encode('ab\n') : 0,
  ]),
  subject('string_unescape', (r) => [
    encode(r.pick(['a\\nb', '\\x41\\101', '\\q', 'plain', '\\e\\"', '\\'])),
    zeros(40),
    r.below(30),
    r.below(16),
  ]),
  subject('string_get_size', (r) => [
    long(r),
    BigInt(r.pick([1, 512, 4096])),
    r.below(2),
    zeros(40),
    r.pick([4, 10, 20]),
  ]),
  ...each('utf8_to_utf32', (r) => [bytes(r, 8), r.below(8), zeros(4)]),
  subject('utf32_to_utf8', (r) => [word(r) % 0x120000, zeros(8), r.below(8)]),
  ...each('glob_match match_wildcard', (r) => [text(r), text(r)]),
  { ...subject('sort', (r) => [bytes(r, 64), r.below(16), r.pick([1, 2, 4]), 'compare', 0]), with: 'sort_r' },
];

const NUMERALS: readonly Subject[] = [
  ...each(
    'kstrtouint kstrtoint kstrtou16 kstrtos16 kstrtou8 kstrtos8 kstrtoull kstrtoll _kstrtoul _kstrtol',
    (r) => [numeral(r), base(r), zeros(8)],
  ),
  subject('kstrtobool', (r) => [
    encode(r.pick(['y', 'no', 'on', 'OFF', 'of', '1', '0', 'x', '', 'True', 'f'])),
    zeros(1),
  ]),
  ...each('simple_strtoul simple_strtoull simple_strtol simple_strtoll', (r) => [
    numeral(r),
    zeros(8),
    base(r),
  ]),
  subject('memparse', (r) => [
    encode(`${r.pick(['', '-', '0x'])}${r.below(2000)}${r.pick(['', 'k', 'M', 'g', 'T', 'kk', 'e'])}`),
    zeros(8),
  ]),
  subject('get_options', (r) => [
    encode(r.pick(['1,2,3', '1-4,7', '', 'x', '5,', '3-1', '0x10,-2', '1,2,3,4,5,6,7,8'])),
    r.pick([0, 3, 8]),
    zeros(40),
  ]),
];

/** Text that compresses. */
const repetitive = (random: Random, length: number): Bytes => {
  const unit = bytes(random, 1 + random.below(9));
  return Uint8Array.from({ length }, (_, i) =>
    random.below(11) === 0 ? random.below(256) : unit[i % unit.length],
  );
};
/** A stream that begins as one does, with a run of literals, and goes on somehow. */
const lzo = (random: Random): Bytes => {
  const stream = repetitive(random, 100);
  stream[0] = random.pick([17, 18 + random.below(20), stream[0]]);
  return stream;
};
const length64 = (value: number): Bytes => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);

const COMPRESSION: readonly Subject[] = [
  // Damaged, mostly: what was written until that is found out is nobody's business.
  {
    ...subject('lzo1x_decompress_safe', (r) => [lzo(r), r.below(90), zeros(400), length64(400)]),
    resultAlone: true,
  },
];

/** Functions that both TypeScript and the target have and whose results depend on their arguments alone. */
export const SUBJECTS: readonly Subject[] = [
  ...BITMAPS,
  ...SUMS,
  ...MATHS,
  ...STRINGS,
  ...NUMERALS,
  ...COMPRESSION,
];
