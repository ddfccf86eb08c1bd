import { beforeEach, describe, expect, it } from 'vitest';
import { I2cBench } from '../testing/i2c-bench.js';
import { ms } from '../time.js';
import { lm75 } from './lm75.js';

const TEMPERATURE = 0;
const CONFIGURATION = 1;
const OVER_TEMPERATURE = 3;

const bench = () => new I2cBench(lm75);
let b: ReturnType<typeof bench>;

beforeEach(() => {
  b = bench();
});

describe('an LM75', () => {
  it('gives half degrees in two’s complement, the high byte first', () => {
    for (const [celsius, bytes] of [
      [21.5, [0x15, 0x80]],
      [-25, [0xe7, 0x00]],
      [0.5, [0x00, 0x80]],
    ] as const) {
      b.device.set('temperature', celsius);
      b.clock.pass(ms(100));
      expect(b.read(TEMPERATURE, 2)).toEqual(bytes);
    }
  });

  it('knows its thresholds at power-on, and takes new ones', () => {
    expect([b.read(2, 2), b.read(OVER_TEMPERATURE, 2)]).toEqual([
      [75, 0],
      [80, 0],
    ]);
    b.write(OVER_TEMPERATURE, 20, 0x80);
    expect(b.read(OVER_TEMPERATURE, 2)).toEqual([20, 0x80]);
    expect(b.device.accesses.at(-1)).toMatchObject({ register: 'overTemperature', value: 0x1480 });
  });

  it('gives the bytes of a register over and over, or the first alone', () => {
    expect(b.read(OVER_TEMPERATURE, 4)).toEqual([80, 0, 80, 0]);
    expect(b.read(OVER_TEMPERATURE, 1)).toEqual([80]);
  });

  it('raises its output above the upper threshold, and lowers it below the lower', () => {
    b.write(OVER_TEMPERATURE, 30, 0);
    b.write(2, 28, 0);
    b.device.set('temperature', 30);
    b.clock.pass(ms(100));
    expect(b.alert).toBe(true);
    b.device.set('temperature', 29);
    b.clock.pass(ms(100));
    expect(b.alert).toBe(true);
    b.device.set('temperature', 27.5);
    b.clock.pass(ms(100));
    expect(b.alert).toBe(false);
  });

  it('converts nothing while it is shut down', () => {
    b.write(CONFIGURATION, 1);
    b.device.set('temperature', 60);
    b.clock.pass(ms(1000));
    expect(b.read(TEMPERATURE, 2)).toEqual([0, 0]);
    b.write(CONFIGURATION, 0);
    b.clock.pass(ms(100));
    expect(b.read(TEMPERATURE, 2)).toEqual([60, 0]);
  });

  it('says what it does not have', () => {
    b.read(9);
    expect(b.device.missing).toEqual(['read at +0x9: the model has no register there']);
    expect(() => b.device.set('temperature', 200)).toThrow(RangeError);
  });
});
