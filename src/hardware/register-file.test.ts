import { describe, expect, it } from 'vitest';
import { RegisterFile } from './register-file.js';
import type { RegisterSpecs } from './registers.js';

const SPECS = {
  plain: { at: 0, reset: 0x1234_5678, bits: { low: [7, 0], top: 31 } },
  fixed: { at: 4, access: 'ro', reset: 0xab },
  command: { at: 8, access: 'wo' },
  cause: { at: 0xc, access: 'w1c', reset: 0b111 },
  zeroes: { at: 0x10, access: 'w0c', reset: 0b111 },
  ones: { at: 0x14, access: 'w1s', reset: 0b001 },
  once: { at: 0x18, access: 'rc', reset: 9 },
  small: { at: 0x1c, width: 8, reset: 1 },
  half: { at: 0x1e, width: 16, reset: 0x2211 },
  wide: { at: 0x20, width: 64 },
} as const satisfies RegisterSpecs;

function registers() {
  const log: string[] = [];
  const file = new RegisterFile(SPECS, {
    read: (name) => (name === 'small' ? 7n : undefined),
    wrote: (name, value, before) => void log.push(`${name} ${before.toString(16)} -> ${value.toString(16)}`),
    accessed: (name, kind) => void log.push(`${kind} ${name}`),
  });
  return { file, log, regs: file.registers };
}

describe('registers of a device', () => {
  it('are read and written whole, in part, and across their borders', () => {
    const { file } = registers();
    expect(file.read(0, 4)).toBe(0x1234_5678n);
    expect(file.read(1, 2)).toBe(0x3456n);
    expect(file.read(0, 8)).toBe(0xab_1234_5678n);
    file.write(1, 1, 0xffn);
    expect(file.read(0, 4)).toBe(0x1234_ff78n);
    expect(file.read(0x1c, 4)).toBe(0x2211_0007n);
    file.write(0x20, 8, 0x1122_3344_5566_7788n);
    expect(file.read(0x24, 4)).toBe(0x1122_3344n);
  });

  it('take what their access word lets them take', () => {
    const { file } = registers();
    for (const [offset, written, left] of [
      [0x4, 0xffn, 0xabn],
      [0x8, 5n, 0n],
      [0xc, 0b010n, 0b101n],
      [0x10, 0b010n, 0b010n],
      [0x14, 0b100n, 0b101n],
    ] as const) {
      file.write(offset, 4, written);
      expect(file.read(offset, 4), `+0x${offset.toString(16)}`).toBe(left);
    }
    expect([file.read(0x18, 4), file.read(0x18, 4)]).toEqual([9n, 0n]);
  });

  it('tell what was written, with the rest of the register where it was written in part', () => {
    const { file, log } = registers();
    file.write(2, 1, 0xeen);
    expect(log).toEqual(['write plain', 'plain 12345678 -> 12ee5678']);
  });

  it('have fields by name, for the model', () => {
    const { regs } = registers();
    expect([regs.plain.low, regs.plain.top]).toEqual([0x78, 0]);
    regs.plain.low = 0x1ff;
    regs.plain.top = 1;
    expect(regs.plain.value).toBe(0x9234_56ff);
    regs.wide.value = 1n << 63n;
    expect(regs.wide.value).toBe(1n << 63n);
  });

  it('are named where there are none', () => {
    const { file, log } = registers();
    expect(file.read(0x40, 4)).toBe(0n);
    file.write(0x44, 2, 1n);
    expect(log).toEqual(['read +0x40', 'write +0x44']);
  });
});
