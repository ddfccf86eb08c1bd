import { beforeEach, describe, expect, it } from 'vitest';
import { I2cBench } from '../testing/i2c-bench.js';
import { ms } from '../time.js';
import { at24c02 } from './at24.js';

const bench = () => new I2cBench(at24c02);
let b: ReturnType<typeof bench>;

beforeEach(() => {
  b = bench();
});

describe('an EEPROM', () => {
  it('keeps what is written, and reads on from there', () => {
    b.write(0x10, 1, 2, 3);
    b.clock.pass(ms(5));
    expect(b.read(0x10, 4)).toEqual([1, 2, 3, 0xff]);
    expect([...(b.part.read(1) as Uint8Array)]).toEqual([0xff]);
  });

  it('acknowledges nothing while it writes', () => {
    b.write(0, 1);
    expect([b.write(), b.read(0)]).toEqual(['nak', 'nak']);
    b.clock.pass(ms(5));
    expect([b.write(), b.read(0)]).toEqual(['ack', [1]]);
  });

  it('writes one page, round and round', () => {
    b.write(6, 1, 2, 3);
    b.clock.pass(ms(5));
    expect(b.read(0, 9)).toEqual([3, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 0xff]);
  });

  it('goes on from its first byte behind the last', () => {
    b.write(0, 7);
    b.clock.pass(ms(5));
    expect(b.read(0xff, 2)).toEqual([0xff, 7]);
  });
});
