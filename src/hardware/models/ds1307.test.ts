import { beforeEach, describe, expect, it } from 'vitest';
import { I2cBench } from '../testing/i2c-bench.js';
import { seconds } from '../time.js';
import { ds1307 } from './ds1307.js';

const bench = () => new I2cBench(ds1307);
let b: ReturnType<typeof bench>;

beforeEach(() => {
  b = bench();
});

describe('a DS1307', () => {
  it('stands still until its oscillator runs', () => {
    b.clock.pass(seconds(100));
    expect(b.read(0, 7)).toEqual([0x80, 0, 0, 1, 1, 1, 0]);
    b.write(0, 0);
    b.clock.pass(seconds(61));
    expect(b.read(0, 2)).toEqual([0x01, 0x01]);
  });

  it('counts in decimal digits, over years', () => {
    // Tuesday, 2024-12-31 23:59:58.
    b.write(0, 0x58, 0x59, 0x23, 2, 0x31, 0x12, 0x24);
    b.clock.pass(seconds(3));
    expect(b.read(0, 7)).toEqual([0x01, 0, 0, 3, 1, 1, 0x25]);
  });

  it('knows leap years', () => {
    b.write(0, 0x59, 0x59, 0x23, 3, 0x28, 0x02, 0x24);
    b.clock.pass(seconds(1));
    expect(b.read(4, 2)).toEqual([0x29, 0x02]);
  });

  it('counts to twelve where it is to', () => {
    b.write(0, 0x59, 0x59, 0x40 | 0x11, 1, 1, 1, 0);
    b.clock.pass(seconds(1));
    expect(b.read(2)).toEqual([0x40 | 0x20 | 0x12]);
  });
});
