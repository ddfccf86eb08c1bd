import type { Ptr } from '../../../cpu/layout.js';
import type { Alarm } from '../../../kernel/clock.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { jiffiesToNs } from '../../time/jiffies.js';
import { LedBrightness } from './led-brightness.js';

/** Bits of led_classdev.work_flags (include/linux/leds.h). */
const LED_BLINK_SW = 1 << 0;
const LED_BLINK_ONESHOT = 1 << 1;
const LED_BLINK_ONESHOT_STOP = 1 << 2;
const LED_BLINK_INVERT = 1 << 3;
const LED_BLINK_BRIGHTNESS_CHANGE = 1 << 4;

/** Of a LED that blinks and was told no delays: 1 Hz. */
const HALF_SECOND_MS = 500;

/** LEDs that blink: by their driver if it can, else by a timer (drivers/leds/led-core.c). */
export class LedBlinking implements Subsystem {
  static readonly builtIn = 'CONFIG_NEW_LEDS';

  private readonly timers = new Map<Ptr, Alarm>();
  /** Two longs, for delays that a driver's blink_set() is shown. */
  private slots: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    led_set_brightness: (led: Ptr, value: number) => this.change(led, value),
    led_blink_set: (led: Ptr, on: Ptr, off: Ptr) => this.start(led, on, off),
    led_blink_set_oneshot: (led: Ptr, on: Ptr, off: Ptr, invert: number) =>
      this.once(led, on, off, invert !== 0),
    led_stop_software_blink: (led: Ptr) => this.stop(led),
  };

  /** led_blink_set(): from now on, for some milliseconds each; which the driver may change. */
  *start(led: Ptr, on: Ptr, off: Ptr): Sleepable<void> {
    this.cancel(led);
    this.clear(led, LED_BLINK_SW | LED_BLINK_ONESHOT | LED_BLINK_ONESHOT_STOP);
    yield* this.setUp(led, on, off);
  }

  /** led_blink_set_oneshot(): once, unless it does so already. */
  *once(led: Ptr, on: Ptr, off: Ptr, invert: boolean): Sleepable<void> {
    if (this.has(led, LED_BLINK_ONESHOT) && this.timers.has(led)) return;
    this.add(led, LED_BLINK_ONESHOT);
    this.clear(led, LED_BLINK_ONESHOT_STOP | LED_BLINK_INVERT);
    if (invert) this.add(led, LED_BLINK_INVERT);
    yield* this.setUp(led, on, off);
  }

  /** As the two above, with delays by value. */
  *blink(led: Ptr, how: { on: number; off: number; once: boolean; invert: boolean }): Sleepable<void> {
    const { k } = this;
    if (this.slots === 0) this.slots = k.permanent(16);
    const [on, off] = [this.slots, this.slots + 8];
    k.space.storeLong(on, how.on);
    k.space.storeLong(off, how.off);
    if (how.once) yield* this.once(led, on, off, how.invert);
    else yield* this.start(led, on, off);
  }

  /** led_stop_software_blink() */
  stop(led: Ptr): void {
    this.cancel(led);
    const { type } = this;
    type.set(led, 'blink_delay_on', 0);
    type.set(led, 'blink_delay_off', 0);
    this.clear(led, LED_BLINK_SW);
  }

  /** led_set_brightness(): one that blinks stops for 0, and blinks as bright as it is told from the next time on. */
  *change(led: Ptr, value: number): Sleepable<number> {
    const leds = this.k.get(LedBrightness);
    if (!this.has(led, LED_BLINK_SW)) return yield* leds.set(led, value);
    if (value !== 0) {
      this.brighten(led, value);
      return 0;
    }
    this.stop(led);
    return yield* leds.set(led, 0);
  }

  /** How bright it is to be when it is next on. */
  private brighten(led: Ptr, brightness: number): void {
    this.type.set(led, 'new_blink_brightness', brightness);
    this.add(led, LED_BLINK_BRIGHTNESS_CHANGE);
  }

  private *setUp(led: Ptr, on: Ptr, off: Ptr): Sleepable<void> {
    const { k, type } = this;
    const byItself = !this.has(led, LED_BLINK_ONESHOT) && type.get(led, 'blink_set') !== 0;
    if (byItself && (yield* type.call(led, 'blink_set', led, on, off)) === 0) return;
    if (k.space.loadU64(on) === 0 && k.space.loadU64(off) === 0)
      for (const slot of [on, off]) k.space.storeLong(slot, HALF_SECOND_MS);
    yield* this.bySoftware(led, k.space.loadU64(on), k.space.loadU64(off));
  }

  private *bySoftware(led: Ptr, on: number, off: number): Sleepable<void> {
    const { k, type } = this;
    const now = type.get(led, 'brightness');
    if (now !== 0) type.set(led, 'blink_brightness', now);
    if (type.get(led, 'blink_brightness') === 0)
      type.set(led, 'blink_brightness', type.get(led, 'max_brightness'));
    type.set(led, 'blink_delay_on', on);
    type.set(led, 'blink_delay_off', off);
    const leds = k.get(LedBrightness);
    if (on === 0) {
      yield* leds.set(led, 0);
      return;
    }
    if (off === 0) {
      yield* leds.set(led, type.get(led, 'blink_brightness'));
      return;
    }
    this.add(led, LED_BLINK_SW);
    this.arm(led, jiffiesToNs(k, 1));
  }

  private arm(led: Ptr, ns: number): void {
    const { k } = this;
    this.cancel(led);
    const fire = (): void => {
      this.timers.delete(led);
      k.processes.create('kworker/0:led', this.turn(led), { kernelThread: true });
    };
    this.timers.set(led, k.clock.arm(k.clock.now + ns, fire));
  }

  /** The timer: turns the LED on or off, and sees to the next time. */
  private *turn(led: Ptr): Sleepable<number> {
    const { k, type } = this;
    const leds = k.get(LedBrightness);
    if (!leds.isRegistered(led)) return 0;
    const stops = this.has(led, LED_BLINK_ONESHOT_STOP);
    const delays = [type.get(led, 'blink_delay_on'), type.get(led, 'blink_delay_off')];
    if (stops || delays.includes(0)) {
      this.clear(led, LED_BLINK_ONESHOT_STOP | LED_BLINK_SW);
      if (!stops) yield* leds.set(led, 0);
      return 0;
    }
    const [on, off] = delays;
    const turnsOn = type.get(led, 'brightness') === 0;
    const brightness = turnsOn ? this.nextBrightness(led) : 0;
    if (!turnsOn) type.set(led, 'blink_brightness', type.get(led, 'brightness'));
    yield* leds.set(led, brightness);
    if (this.has(led, LED_BLINK_ONESHOT) && turnsOn === this.has(led, LED_BLINK_INVERT))
      this.add(led, LED_BLINK_ONESHOT_STOP);
    if (this.has(led, LED_BLINK_SW)) this.arm(led, Math.max(turnsOn ? on : off, 1) * 1e6);
    return 0;
  }

  private nextBrightness(led: Ptr): number {
    const { type } = this;
    if (this.has(led, LED_BLINK_BRIGHTNESS_CHANGE)) {
      this.clear(led, LED_BLINK_BRIGHTNESS_CHANGE);
      return type.get(led, 'new_blink_brightness');
    }
    return type.get(led, 'blink_brightness');
  }

  private cancel(led: Ptr): void {
    const alarm = this.timers.get(led);
    if (alarm) this.k.clock.cancel(alarm);
    this.timers.delete(led);
  }

  private has(led: Ptr, bit: number): boolean {
    return (this.type.get(led, 'work_flags') & bit) !== 0;
  }

  private add(led: Ptr, bits: number): void {
    this.type.set(led, 'work_flags', this.type.get(led, 'work_flags') | bits);
  }

  private clear(led: Ptr, bits: number): void {
    this.type.set(led, 'work_flags', this.type.get(led, 'work_flags') & ~bits);
  }

  private get type() {
    return this.k.struct('led_classdev');
  }
}
