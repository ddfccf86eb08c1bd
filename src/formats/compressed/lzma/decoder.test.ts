import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../testing/random.js';
import { crc32, crc64 } from '../checksum.js';
import { decompressXz, xzBlocks } from '../xz.js';
import { withLzma2Memory } from './decoder.js';

function xz(data: Uint8Array, ...options: string[]): Uint8Array {
  return execFileSync('xz', ['-c', ...options], { input: data, maxBuffer: 1 << 28 });
}

function hasXz(): boolean {
  try {
    execFileSync('xz', ['--version'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const noise = (random: Random, size: number): Uint8Array =>
  Uint8Array.from({ length: size }, () => random.below(256));

describe('checks over the output', () => {
  const data = noise(new Random(3), 3_000_000);

  it.each([0, 1, 15, 16, 17, 31, 32, 33, 1000, data.length])('of %d bytes', (size) => {
    const part = data.subarray(0, size);
    const sums = withLzma2Memory((memory) => {
      memory.length = 0;
      memory.append(part);
      return [memory.crc32(), memory.crc64()];
    });
    expect(sums).toEqual([crc32(part), crc64(part)]);
  });

  it('are those that everybody knows', () => {
    const sums = withLzma2Memory((memory) => {
      memory.length = 0;
      memory.append(new TextEncoder().encode('123456789'));
      return [memory.crc32(), memory.crc64()];
    });
    expect(sums).toEqual([0xcbf43926, 0x995dc9bbdf1939fan]);
  });
});

describe('chunks', () => {
  it('without a range coder header are damaged', () => {
    withLzma2Memory((memory) => {
      memory.length = 0;
      expect(memory.setProperties(0x5d)).toBe(true);
      expect(memory.decode(new Uint8Array(4), 0, 1)).toBe('damaged range coder header');
      expect(memory.decode(Uint8Array.of(1, 0, 0, 0, 0, 0), 0, 1)).toBe('damaged range coder header');
    });
  });

  it('take properties of the specification only', () => {
    withLzma2Memory((memory) => {
      // lc + lp at most 4, pb at most 4.
      const pack = (lc: number, lp: number, pb: number): number => (pb * 5 + lp) * 9 + lc;
      expect(memory.setProperties(pack(4, 0, 4))).toBe(true);
      expect(memory.setProperties(pack(0, 4, 0))).toBe(true);
      expect(memory.setProperties(pack(3, 2, 0))).toBe(false);
      expect(memory.setProperties(225)).toBe(false);
    });
  });

  it('that are noise end with an error or the size asked for, inside their memory', () => {
    const random = new Random(11);
    const seen = new Set<string | undefined>();
    for (let i = 0; i < 3000; i++) {
      withLzma2Memory((memory) => {
        memory.length = 0;
        memory.append(noise(random, random.below(300)));
        memory.setProperties(0x5d);
        const packed = noise(random, 5 + random.below(300));
        packed[0] = 0;
        // Codes of all sizes: a small one starts with literals, a large one with matches.
        for (let at = 1; at <= random.below(4); at++) packed[at] = 0;
        seen.add(memory.decode(packed, 0, 1 + random.below(2000)));
      });
    }
    expect([...seen].sort()).toEqual([
      'distance beyond the start',
      'match runs past the end of the chunk',
      'the compressed data does not end with its chunk',
      'the compressed data ends early',
    ]);
  });
});

describe.skipIf(!hasXz())('with what xz packed', () => {
  it('matches at every small distance repeat what they make', () => {
    const random = new Random(5);
    const parts: Uint8Array[] = [];
    for (let distance = 1; distance <= 40; distance++) {
      for (const length of [2, 3, 7, 8, 9, 15, 16, 17, 100, 272, 273, 300]) {
        const pattern = noise(random, distance);
        parts.push(Uint8Array.from({ length: distance + length }, (_, i) => pattern[i % distance]));
      }
    }
    const data = Buffer.concat(parts);
    for (const options of [['-0'], ['-6'], ['-9e']])
      expect(equal(decompressXz(xz(data, ...options), 'x'), data)).toBe(true);
  });

  it('every mix of properties', () => {
    const random = new Random(6);
    const data = Uint8Array.from({ length: 50_000 }, (_, i) => (i % 4) * 16 + random.below(8));
    for (let lc = 0; lc <= 4; lc++) {
      for (let lp = 0; lc + lp <= 4; lp++) {
        for (const pb of [0, 4]) {
          const packed = xz(data, `--lzma2=preset=1,lc=${lc},lp=${lp},pb=${pb}`);
          expect(equal(decompressXz(packed, 'x'), data)).toBe(true);
        }
      }
    }
  });

  it('a block stays as it is while another file is unpacked', () => {
    const data = noise(new Random(8), 100_000);
    const packed = xz(data, '--block-size=30000');
    const other = xz(new Uint8Array(200_000).fill(7));
    let at = 0;
    for (const block of xzBlocks(packed, 'x')) {
      expect(decompressXz(other, 'y').length).toBe(200_000);
      expect(equal(block.data, data.subarray(at, at + block.data.length))).toBe(true);
      at += block.data.length;
    }
    expect(at).toBe(data.length);
  });

  it('results are copies, and memory for a large file is not kept', () => {
    const small = noise(new Random(9), 5000);
    const packed = xz(small);
    const first = decompressXz(packed, 'x');
    const large = decompressXz(xz(new Uint8Array(52_000_000), '-0'), 'large');
    expect(large.length).toBe(52_000_000);
    expect(withLzma2Memory((memory) => memory.size)).toBeLessThan(2 << 20);
    expect(equal(decompressXz(packed, 'x'), small)).toBe(true);
    expect(equal(first, small)).toBe(true);
  });
});
