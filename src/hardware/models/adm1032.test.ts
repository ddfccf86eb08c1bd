import { beforeEach, describe, expect, it } from 'vitest';
import { I2cBench } from '../testing/i2c-bench.js';
import { ms } from '../time.js';
import { adm1032 } from './adm1032.js';

const STATUS = 0x02;

const bench = () => new I2cBench(adm1032);
let b: ReturnType<typeof bench>;

beforeEach(() => {
  b = bench();
});

describe('an ADM1032', () => {
  it('says who made it, and what it measures', () => {
    expect([b.read(0xfe), b.read(0xff)]).toEqual([[0x41], [0x42]]);
    b.device.set('remote', 40.375);
    b.device.set('local', -3);
    b.clock.pass(ms(100));
    expect([b.read(0), b.read(1), b.read(0x10)]).toEqual([[0xfd], [40], [0x60]]);
  });

  it('is written at other numbers than it is read', () => {
    b.write(0x0d, 60);
    expect(b.read(0x07)).toEqual([60]);
  });

  it('wants attention until its status was read, and again while it is too hot', () => {
    b.device.set('remote', 90);
    b.clock.pass(ms(100));
    expect(b.alert).toBe(true);
    expect(b.read(STATUS)).toEqual([0x10]);
    expect([b.alert, b.read(STATUS)]).toEqual([false, [0]]);
    b.clock.pass(ms(100));
    expect(b.alert).toBe(true);
    b.device.set('remote', 50);
    b.read(STATUS);
    b.clock.pass(ms(100));
    expect([b.alert, b.read(STATUS)]).toEqual([false, [0]]);
  });

  it('wants none where that is masked', () => {
    b.write(0x09, 0x80);
    b.device.set('local', 100);
    b.clock.pass(ms(100));
    expect([b.alert, b.read(STATUS)]).toEqual([false, [0x40]]);
  });
});
