import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CORPUS_RELEASE, corpusTree, newerTree } from '../../testing/corpus.js';
import { Random } from '../../testing/random.js';
import { isElf, parseElf } from '../elf/index.js';
import { decompressLz4Legacy } from './lz4.js';
import { compressionOf, unpack } from './unpack.js';
import { extractVmlinux } from './vmlinuz.js';
import { decompressXz } from './xz.js';
import { decompressZstd } from './zstd/zstd.js';

/** Text that repeats itself, machine code (this node's own) and noise: all that a compressor can meet. */
function samples(): [string, Uint8Array][] {
  const random = new Random(42);
  const noise = Uint8Array.from({ length: 200_000 }, () => random.below(256));
  const text = new TextEncoder().encode(
    Array.from({ length: 20_000 }, () => `word${random.below(500)} `).join(''),
  );
  const code = readFileSync(process.execPath).subarray(0x1000_000, 0x1000_000 + 600_001);
  return [
    ['nothing', new Uint8Array(0)],
    ['a byte', Uint8Array.of(65)],
    ['zeros', new Uint8Array(3_000_000)],
    ['noise', noise],
    ['text', text],
    ['code', code],
  ];
}

function tool(command: string, args: readonly string[], input: Uint8Array): Uint8Array {
  return execFileSync(command, args, { input, maxBuffer: 1 << 28, stdio: ['pipe', 'pipe', 'pipe'] });
}

function has(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

describe.each(samples())('what tools packed: %s', (_, data) => {
  const xzOptions = [
    ['-6'],
    ['-0', '--check=crc32'],
    ['-9e', '--check=sha256'],
    ['--check=crc32', '--x86', '--lzma2=preset=6'],
    ['--block-size=100000', '-1'],
    ['--lzma2=preset=6,lc=0,lp=2,pb=0'],
  ];
  it.skipIf(!has('xz')).each(xzOptions)('xz %s %s %s', (...options) => {
    const packed = tool('xz', ['-c', ...options], data);
    expect(equal(unpack(packed, 'x.xz'), data)).toBe(true);
  });

  it.skipIf(!has('xz'))('xz, two streams with padding', () => {
    const packed = tool('xz', ['-c'], data);
    const twice = Buffer.concat([packed, Buffer.alloc(8), packed]);
    expect(equal(unpack(twice, 'x.xz'), Buffer.concat([data, data]))).toBe(true);
  });

  it.skipIf(!has('gzip')).each([['-1'], ['-9']])('gzip %s', (level) => {
    const packed = tool('gzip', ['-c', level], data);
    expect(equal(unpack(packed, 'x.gz'), data)).toBe(true);
    expect(equal(unpack(Buffer.concat([packed, packed]), 'x.gz'), Buffer.concat([data, data]))).toBe(true);
  });

  it.skipIf(!has('zstd')).each([['-1'], ['-19'], ['--ultra', '-22'], ['--no-check', '-3']])(
    'zstd %s %s',
    (...options) => {
      const packed = tool('zstd', ['-c', ...options.filter((o) => o !== undefined)], data);
      expect(equal(unpack(packed, 'x.zst'), data)).toBe(true);
      if (data.length > 0) expect(equal(decompressZstd(packed, 'x.zst', data.length), data)).toBe(true);
    },
  );

  it.skipIf(!has('lz4') || data.length === 0)('lz4 -l', () => {
    const packed = tool('lz4', ['-c', '-l', '-9'], data);
    expect(equal(decompressLz4Legacy(packed, 'x.lz4', data.length), data)).toBe(true);
    const withSize = Buffer.concat([packed, Buffer.from(new Uint32Array([data.length]).buffer)]);
    expect(equal(decompressLz4Legacy(withSize, 'x.lz4', data.length), data)).toBe(true);
  });
});

describe('what cannot be unpacked', () => {
  const xz = Buffer.from(
    '/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAFaGVsbG8KAAAAAADlqWN5mzFc3wABHgakhrPQH7bzfQEAAAAABFla',
    'base64',
  );

  it('says what, where and why', () => {
    expect(() => decompressXz(xz.subarray(0, 20), 'a.ko.xz')).toThrow(
      /^a\.ko\.xz: block header \(at 0xc\): needs 12 bytes, past the end/,
    );
    expect(() => unpack(Uint8Array.from([0x1f, 0x8b, 8]), 'a.ko.gz')).toThrow(
      'a.ko.gz: ISIZE (at 0x3): the file ends early',
    );
    expect(() => extractVmlinux(new Uint8Array(2000), 'vmlinuz')).toThrow(
      'vmlinuz: header (at 0x202): not a bzImage (no "HdrS")',
    );
    expect(compressionOf(new Uint8Array(3))).toBe('none');
  });

  it.skipIf(!has('xz'))('stops bombs at the limit', () => {
    const bomb = tool('xz', ['-c', '-6'], new Uint8Array(3_000_000));
    expect(() => unpack(bomb, 'bomb.xz', 1_000_000)).toThrow('unpacks to more than 0xf4240 bytes');
    const gz = tool('gzip', ['-c'], new Uint8Array(30_000_000));
    expect(() => unpack(gz, 'bomb.gz', 1_000_000)).toThrow('unpacks to more than 0xf4240 bytes');
    const zst = tool('zstd', ['-c'], new Uint8Array(3_000_000));
    expect(() => unpack(zst, 'bomb.zst', 1_000_000)).toThrow(/unpacks to more than|window of/);
  });

  it.skipIf(!has('xz'))('damage is noticed', () => {
    const [, data] = samples()[4];
    const random = new Random(7);
    for (const [command, options] of [
      ['xz', ['-c']],
      ['gzip', ['-c']],
    ] as const) {
      const packed = Buffer.from(tool(command, options, data));
      for (let i = 0; i < 40; i++) {
        const damaged = Buffer.from(packed);
        damaged[20 + random.below(packed.length - 40)] ^= 1 << random.below(8);
        expect(() => unpack(damaged, 'damaged')).toThrow(/^damaged: /);
      }
    }
  });
});

const tree = await corpusTree();
const newer = await newerTree();

describe('kernel images', () => {
  it.skipIf(tree === undefined)('xz with the x86 filter: Debian 12', () => {
    const path = join(tree ?? '', `boot/vmlinuz-${CORPUS_RELEASE}`);
    const vmlinux = extractVmlinux(readFileSync(path), path);
    expect(parseElf(vmlinux, path).section('.BTF')?.size).toBe(0x427228);
  });

  it.skipIf(newer === undefined)('zstd: 6.12', () => {
    const release = execFileSync('ls', [join(newer ?? '', 'lib/modules')], { encoding: 'utf8' }).trim();
    const path = join(newer ?? '', `boot/vmlinuz-${release}`);
    expect(isElf(extractVmlinux(readFileSync(path), path))).toBe(true);
  });

  it.skipIf(!has('lz4') || !has('xz')).each([
    ['gzip', ['-c'], false],
    ['lz4', ['-c', '-l'], true],
    ['zstd', ['-c', '-19'], true],
    ['xz', ['-c', '--check=crc32', '--x86', '--lzma2'], true],
  ] as const)('made here, with %s', (command, options, sizeAppended) => {
    const elf = Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46]), samples()[5][1]]);
    const packed = tool(command, options, elf);
    const payload = sizeAppended
      ? Buffer.concat([packed, Buffer.from(new Uint32Array([elf.length]).buffer)])
      : packed;
    const image = Buffer.concat([Buffer.alloc(1024), Buffer.from('code'), payload, Buffer.alloc(100)]);
    image[0x1f1] = 1;
    image.write('HdrS', 0x202);
    image.writeUInt16LE(0x20f, 0x206);
    image.writeUInt32LE(4, 0x248);
    image.writeUInt32LE(payload.length, 0x24c);
    expect(equal(extractVmlinux(image, 'vmlinuz'), elf)).toBe(true);
  });
});
