import { describe, expect, it } from 'vitest';
import { humanSize, sizeOf } from './sizes.js';

describe('sizes', () => {
  it('are numbers with a letter, or in units', () => {
    expect(sizeOf('2m')).toBe(2 * 1024 * 1024);
    expect(sizeOf('4K')).toBe(4096);
    expect(sizeOf('3', 512)).toBe(1536);
    expect(sizeOf('512b', 512)).toBe(512);
    expect(sizeOf('0x10')).toBe(16);
    expect(sizeOf('-1')).toBe(-1);
    expect(sizeOf('1x')).toBeUndefined();
    expect(sizeOf('')).toBeUndefined();
  });

  it('are told in few characters', () => {
    expect([512, 1024, 20_992, 1024 * 1024, 650 * 1024 * 1024].map(humanSize)).toEqual([
      '512B',
      '1.0K',
      '21K',
      '1.0M',
      '650M',
    ]);
  });
});
