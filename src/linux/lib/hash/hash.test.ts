import { describe, expect, it } from 'vitest';
import { checksum, fold32 } from '../crc/checksum.js';
import { forwardTable, reflectedTable, shiftReflected } from '../crc/crc.js';
import { jhash } from './jhash.js';
import { siphash, siphashWords } from './siphash.js';
import { xxh64 } from './xxhash.js';

const KEY = { k0: 0x0706050403020100n, k1: 0x0f0e0d0c0b0a0908n };

describe('siphash', () => {
  it('gives the values of the paper', () => {
    expect(
      siphash(
        Uint8Array.from({ length: 15 }, (_, i) => i),
        KEY,
      ),
    ).toBe(0xa129ca6149be45e5n);
    expect(siphash(new Uint8Array(), KEY)).toBe(0x726fdb47dd0e0e31n);
    const words = Uint8Array.from({ length: 16 }, (_, i) => i);
    expect(siphashWords([0x0706050403020100n, 0x0f0e0d0c0b0a0908n], KEY)).toBe(siphash(words, KEY));
  });
});

describe('CRC', () => {
  const run = (table: Uint32Array, bytes: Uint8Array, start: number): number => {
    let value = start;
    for (const byte of bytes) value = (value >>> 8) ^ table[(value ^ byte) & 0xff];
    return value >>> 0;
  };
  const digits = Uint8Array.from('123456789', (c) => c.charCodeAt(0));

  it('gives the check values', () => {
    expect(~run(reflectedTable(0xedb88320), digits, 0xffffffff) >>> 0).toBe(0xcbf43926);
    expect(~run(reflectedTable(0x82f63b78), digits, 0xffffffff) >>> 0).toBe(0xe3069283);
    expect(forwardTable(0x1021, 16)[1]).toBe(0x1021);
    expect(forwardTable(0x04c11db7, 32)[255]).toBe(0xb1f740b4);
  });
  it('shifts by zero bytes', () => {
    const table = reflectedTable(0xedb88320);
    const start = run(table, digits, 0x12345678);
    expect(shiftReflected(start, 1000, 0xedb88320)).toBe(run(table, new Uint8Array(1000), start));
  });
});

describe('Internet checksum', () => {
  it('folds with end-around carry', () => {
    expect(fold32(0x1_0000_0001)).toBe(2);
    expect(checksum(0xffff_0001)).toBe(0xfffe);
  });
});

describe('jhash', () => {
  it('gives the values of lookup3', () => {
    const text = Uint8Array.from('Four score and seven years ago', (c) => c.charCodeAt(0));
    expect(jhash(text, 0)).toBe(0x17770551);
    expect(jhash(text, 1)).toBe(0xcd628161);
    expect(jhash(new Uint8Array(), 0)).toBe(0xdeadbeef);
  });
});

describe('xxh64', () => {
  it('gives the values of the specification', () => {
    expect(xxh64(new Uint8Array(), 0n)).toBe(0xef46db3751d8e999n);
    expect(xxh64(Uint8Array.of(0x61), 0n)).toBe(0xd24ec4f1a98c6e5bn);
    const text = Uint8Array.from('Nobody inspects the spammish repetition', (c) => c.charCodeAt(0));
    expect(xxh64(text, 0n)).toBe(0xfbcea83c8a378bf1n);
  });
});
