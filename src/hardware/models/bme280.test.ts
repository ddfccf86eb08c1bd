import { beforeEach, describe, expect, it } from 'vitest';
import { I2cBench } from '../testing/i2c-bench.js';
import { ms } from '../time.js';
import { bme280 } from './bme280.js';

const CONTROL = 0xf4;
const HUMIDITY_CONTROL = 0xf2;
const FORCED = 0x25;

const bench = () => new I2cBench(bme280);
let b: ReturnType<typeof bench>;
const words = (at: number, count: number): number[] => {
  const bytes = b.read(at, 2 * count) as number[];
  return Array.from({ length: count }, (_, i) => bytes[2 * i] | (bytes[2 * i + 1] << 8));
};

/** Compensation in integers, as the datasheet has it for drivers (4.2.3): hundredths of a degree. */
function hundredths(raw: number): number {
  const [t1, t2, t3] = words(0x88, 3);
  const signed = (t3 << 16) >> 16;
  const first = (((raw >> 3) - (t1 << 1)) * t2) >> 11;
  const second = ((((raw >> 4) - t1) * ((raw >> 4) - t1)) >> 12) * signed;
  return ((first + (second >> 14)) * 5 + 128) >> 8;
}

beforeEach(() => {
  b = bench();
});

describe('a BME280', () => {
  it('says what it is', () => {
    expect(b.read(0xd0)).toEqual([0x60]);
  });

  it('measures once, and sleeps again', () => {
    b.device.set('temperature', 21.5);
    b.write(HUMIDITY_CONTROL, 1, 0, FORCED);
    b.write(CONTROL, FORCED);
    expect(b.read(0xf3)).toEqual([8]);
    b.clock.pass(ms(10));
    expect([b.read(0xf3), b.read(CONTROL)]).toEqual([[0], [FORCED & ~3]]);
    const [high, middle, low] = b.read(0xfa, 3) as number[];
    expect(Math.abs(hundredths((high << 12) | (middle << 4) | (low >> 4)) - 2150)).toBeLessThanOrEqual(1);
  });

  it('measures without end where it is to', () => {
    b.write(CONTROL, 0x27);
    b.clock.pass(ms(50));
    const before = b.read(0xfa, 3);
    b.device.set('temperature', 60);
    b.clock.pass(ms(50));
    expect(b.read(0xfa, 3)).not.toEqual(before);
    b.write(0xe0, 0xb6);
    expect(b.read(CONTROL)).toEqual([0]);
  });

  it('leaves out what it is not to take', () => {
    b.write(CONTROL, FORCED & ~0x1c);
    b.clock.pass(ms(10));
    expect(b.read(0xf7, 3)).toEqual([0x80, 0, 0]);
  });
});
