import { describe, expect, it } from 'vitest';
import { HintsError, type HintsRecord, readLinkerHints, writeLinkerHints } from './index.js';

const MODULE: HintsRecord = { kind: 'module', name: 'aac_pci', file: 'aac.ko' };
const VERSION: HintsRecord = { kind: 'version', name: 'acl_nfs4', version: 1, file: 'acl_nfs4.ko' };
const PNP: HintsRecord = {
  kind: 'pnp',
  bus: 'pci',
  description: 'I:vendor;Z:name;T:a=1;J:device;',
  count: 2,
  values: [0x1028, 'x', -1, 1, '', 2],
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('linker.hints', () => {
  it('is a version and records, each padded to a multiple of 4', () => {
    expect(hex(writeLinkerHints([MODULE]))).toBe(
      `01000000${'14000000'}02000000${'07'}6161635f706369${'06'}6161632e6b6f00`,
    );
  });

  it('has ints at multiples of 4 behind texts of any length', () => {
    const bytes = writeLinkerHints([VERSION]);
    expect(hex(bytes.subarray(4, 12))).toBe('2000000003000000');
    expect(hex(bytes.subarray(12, 28))).toBe('0861636c5f6e66733400000001000000');
  });

  it('comes back as it was written', () => {
    const records = [
      MODULE,
      VERSION,
      PNP,
      { kind: 'other', type: 99, data: Uint8Array.of(1, 2, 3, 4) },
    ] as const;
    expect(readLinkerHints(writeLinkerHints(records), 'hints')).toEqual(records);
  });

  it('keeps bytes that are no text', () => {
    const odd: HintsRecord = { kind: 'module', name: '\u00ff\u0080', file: 'x' };
    expect(readLinkerHints(writeLinkerHints([odd]), 'hints')).toEqual([odd]);
  });

  it('has no room for texts of more than 255 bytes, nor for records of more than 64 KiB', () => {
    expect(() => writeLinkerHints([{ ...MODULE, name: 'n'.repeat(256) }])).toThrow(HintsError);
    const many = { ...PNP, count: 20000, values: new Array<number>(20000).fill(0) };
    expect(() => writeLinkerHints([many])).toThrow('record buffer overflow');
  });

  it('of another version, cut off, or with a record that ends too soon is refused', () => {
    const bytes = writeLinkerHints([MODULE]);
    expect(() => readLinkerHints(Uint8Array.of(2, 0, 0, 0), 'h')).toThrow('h: version (at 0x0): 2, need 1');
    expect(() => readLinkerHints(bytes.subarray(0, -2), 'h')).toThrow('h: record 0: length (at 0x4)');
    bytes[12] = 200;
    expect(() => readLinkerHints(bytes, 'h')).toThrow('h: record 0: name (at 0xc)');
  });
});
