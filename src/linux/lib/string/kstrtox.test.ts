import { describe, expect, it } from 'vitest';
import { type IntegerType, parseBool, parseInteger } from './kstrtox.js';
import { parseDigits } from './simple-strto.js';

const U64: IntegerType = { signed: false, bits: 64 };
const S64: IntegerType = { signed: true, bits: 64 };
const S8: IntegerType = { signed: true, bits: 8 };

describe('parseInteger', () => {
  it.each<[string, number, IntegerType, bigint | number]>([
    ['42', 0, U64, 42n],
    ['+42\n', 10, U64, 42n],
    ['0x1F', 0, U64, 31n],
    ['0x1f', 16, U64, 31n],
    ['017', 0, U64, 15n],
    ['17', 8, U64, 15n],
    ['18446744073709551615', 10, U64, 18446744073709551615n],
    ['18446744073709551616', 10, U64, -34],
    ['-1', 10, U64, -22],
    ['-9223372036854775808', 10, S64, -9223372036854775808n],
    ['9223372036854775808', 10, S64, -34],
    ['127', 0, S8, 127n],
    ['-129', 0, S8, -34],
    ['', 10, U64, -22],
    ['1 ', 10, U64, -22],
    ['1\n\n', 10, U64, -22],
    ['0x', 0, U64, -22],
    [' 1', 10, U64, -22],
    ['--1', 10, S64, -22],
  ])('%j in base %i', (text, base, type, expected) => {
    const parsed = parseInteger(text, base, type);
    expect('value' in parsed ? parsed.value : parsed.error).toBe(expected);
  });
});

describe('parseBool', () => {
  it('knows the usual words', () => {
    expect(['y', 'Yes', '1', 'on', 'ON', 'true'].map(parseBool)).toEqual(Array(6).fill(true));
    expect(['n', 'No', '0', 'off', 'Of', 'false'].map(parseBool)).toEqual(Array(6).fill(false));
    expect(['', 'maybe', 'o', '2'].map(parseBool)).toEqual(Array(4).fill(undefined));
  });
});

describe('parseDigits', () => {
  it('stops where digits stop, and counts a prefix', () => {
    expect(parseDigits('0x1fzz', 0)).toEqual({ value: 31n, length: 4 });
    expect(parseDigits('12abc', 10)).toEqual({ value: 12n, length: 2 });
    expect(parseDigits('zz', 10)).toEqual({ value: 0n, length: 0 });
    expect(parseDigits('0xg', 0)).toEqual({ value: 0n, length: 1 });
  });
});
