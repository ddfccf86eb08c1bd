import { beforeEach, describe, expect, it } from 'vitest';
import type { Ptr } from '../../../cpu/layout.js';
import { guest } from '../../testing/guest.js';

const NS_PER_MS = 1e6;

describe('LEDs that blink', () => {
  const machine = guest();
  const { k, call, struct } = machine;
  const type = k.struct('led_classdev');
  let shown: number[] = [];
  let led: Ptr = 0;
  const setBrightness = k.exports.hostFunction('led_set', 'v:pu', (_led: Ptr, value: number) => {
    shown.push(value);
  });
  const delay = (ms: number): Ptr => {
    const slot = k.permanent(8);
    k.space.storeLong(slot, ms);
    return slot;
  };

  beforeEach(() => {
    if (led !== 0) call.led_classdev_unregister(led);
    led = struct.led_classdev({ name: k.constantString('test:led'), brightness_set: setBrightness });
    expect(call.led_classdev_register_ext(0, led, 0)).toBe(0);
    shown = [];
  });

  it('go on and off, for as long as they are told each time', () => {
    call.led_blink_set(led, delay(100), delay(50));
    machine.sleep(10 * NS_PER_MS);
    expect(shown).toEqual([255]);
    machine.sleep(100 * NS_PER_MS);
    expect(shown).toEqual([255, 0]);
    machine.sleep(50 * NS_PER_MS);
    expect(shown).toEqual([255, 0, 255]);
    expect(machine.reports()).toEqual([]);
  });

  it('do so once a second where nobody says how long', () => {
    const [on, off] = [delay(0), delay(0)];
    call.led_blink_set(led, on, off);
    expect([on, off].map((slot) => k.space.loadU64(slot))).toEqual([500, 500]);
  });

  it('do so once: the second request finds the first under way', () => {
    for (let i = 0; i < 2; i++) call.led_blink_set_oneshot(led, delay(20), delay(20), 0);
    machine.sleep(500 * NS_PER_MS);
    expect(shown).toEqual([255, 0]);
  });

  it('are just on where they are never to be off', () => {
    call.led_blink_set(led, delay(100), delay(0));
    machine.sleep(500 * NS_PER_MS);
    expect(shown).toEqual([255]);
  });

  it('stop when they are told to be dark, and blink as bright as they are told else', () => {
    call.led_blink_set(led, delay(100), delay(100));
    machine.sleep(110 * NS_PER_MS);
    call.led_set_brightness(led, 7);
    machine.sleep(100 * NS_PER_MS);
    expect(shown).toEqual([255, 0, 7]);
    call.led_set_brightness(led, 0);
    machine.sleep(1000 * NS_PER_MS);
    expect(shown).toEqual([255, 0, 7, 0]);
  });

  it('are left to a driver that can', () => {
    const asked: number[] = [];
    const blinkSet = k.exports.hostFunction('led_blink', 'i:ppp', (_led: Ptr, on: Ptr) => {
      asked.push(k.space.loadU64(on));
      return 0;
    });
    type.set(led, 'blink_set', blinkSet);
    call.led_blink_set(led, delay(123), delay(50));
    machine.sleep(500 * NS_PER_MS);
    expect(asked).toEqual([123]);
    expect(shown).toEqual([]);
  });

  it('stop where the timer alone is stopped', () => {
    call.led_blink_set(led, delay(100), delay(100));
    machine.sleep(10 * NS_PER_MS);
    call.led_stop_software_blink(led);
    machine.sleep(500 * NS_PER_MS);
    expect(shown).toEqual([255]);
    expect(machine.reports()).toEqual([]);
  });
});
