import { beforeEach, describe, expect, it } from 'vitest';
import { PciBench } from '../testing/bench.js';
import { seconds } from '../time.js';
import { i6300esb } from './i6300esb.js';

const TIMER1 = 0x00;
const TIMER2 = 0x04;
const STATUS = 0x08;
const RELOAD = 0x0c;
const LOCK = 0x68;
/** About a second of the slow clock, of 33 MHz / 2^15. */
const TICKS = 1007;

const bench = (): PciBench<ReturnType<typeof i6300esb.create>['device']> => new PciBench(i6300esb);
let b: ReturnType<typeof bench>;

function guarded(offset: number, value: number, size = 4): void {
  b.write(RELOAD, 0x80, 2);
  b.write(RELOAD, 0x86, 2);
  b.write(offset, value, size);
}

beforeEach(() => {
  b = bench();
  guarded(TIMER1, TICKS);
  guarded(TIMER2, 2 * TICKS);
});

describe('the watchdog of the 6300ESB', () => {
  it('takes preload values after the unlock sequence alone', () => {
    expect([b.read(TIMER1), b.read(TIMER2)]).toEqual([TICKS, 2 * TICKS]);
    b.write(TIMER1, 5);
    b.write(RELOAD, 0x86, 2);
    b.write(RELOAD, 0x80, 2);
    b.write(TIMER1, 5);
    expect(b.read(TIMER1)).toBe(TICKS);
  });

  it('counts once it is enabled: first it wants attention, then it resets', () => {
    b.clock.pass(seconds(10));
    expect(b.device.state).toMatchObject({ stage: 0, expired: 0 });
    b.fn.configure(LOCK, 1, 2);
    b.clock.pass(seconds(1.1));
    expect([b.read(STATUS) & 1, b.device.state.expired]).toEqual([1, 0]);
    b.clock.pass(seconds(2));
    expect([b.device.state.expired, b.device.regs.reload.timedOut]).toEqual([1, 1]);
    guarded(RELOAD, 0x200, 2);
    expect(b.device.regs.reload.timedOut).toBe(0);
  });

  it('starts anew when it is reloaded, and stops when it is disabled', () => {
    b.fn.configure(LOCK, 1, 2);
    for (let i = 0; i < 5; i++) {
      b.clock.pass(seconds(0.8));
      guarded(RELOAD, 0x100, 2);
    }
    expect(b.read(STATUS)).toBe(0);
    b.fn.configure(LOCK, 1, 0);
    b.clock.pass(seconds(100));
    expect(b.device.state).toMatchObject({ stage: 0, expired: 0 });
  });
});
