import type { Ptr } from '../../../cpu/layout.js';
import type { Alarm } from '../../../kernel/clock.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Delays in milliseconds. */
interface Blink {
  readonly on: number;
  readonly off: number;
  readonly once: boolean;
  readonly invert: boolean;
}

/** The LEDs that are registered, and how bright they are (drivers/leds/led-core.c). */
export class LedBrightness implements Subsystem {
  static readonly builtIn = 'CONFIG_NEW_LEDS';

  private readonly registered = new Set<Ptr>();
  private readonly blinking = new Map<Ptr, Alarm>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    led_set_brightness: (led: Ptr, value: number) => this.set(led, value),
    led_set_brightness_nosleep: (led: Ptr, value: number) => this.set(led, value),
    led_set_brightness_nopm: (led: Ptr, value: number) => this.set(led, value),
    led_set_brightness_sync: (led: Ptr, value: number) => this.set(led, value),
    led_update_brightness: (led: Ptr) => this.update(led),
  };

  leds(): IterableIterator<Ptr> {
    return this.registered.values();
  }

  add(led: Ptr): void {
    this.registered.add(led);
  }

  delete(led: Ptr): void {
    const alarm = this.blinking.get(led);
    if (alarm) this.k.clock.cancel(alarm);
    this.blinking.delete(led);
    this.registered.delete(led);
  }

  /** led_set_brightness(): through whichever function the driver has. */
  *set(led: Ptr, value: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('led_classdev');
    const brightness = Math.min(value >>> 0, type.get(led, 'max_brightness'));
    type.set(led, 'brightness', brightness);
    if (type.get(led, 'brightness_set') !== 0)
      return yield* type.call(led, 'brightness_set', led, brightness);
    if (type.get(led, 'brightness_set_blocking') === 0) return 0;
    return yield* type.call(led, 'brightness_set_blocking', led, brightness);
  }

  /** led_blink_set(), led_blink_set_oneshot(): switches by software, from now on or once. */
  *blink(led: Ptr, how: Blink): Sleepable<void> {
    const { k } = this;
    const old = this.blinking.get(led);
    if (old) k.clock.cancel(old);
    this.blinking.delete(led);
    const full = k.struct('led_classdev').get(led, 'max_brightness');
    yield* this.set(led, how.invert ? 0 : full);
    const again = (value: number, delay: number): void => {
      const fire = (): void => {
        this.blinking.delete(led);
        if (!this.registered.has(led)) return;
        k.processes.create('kworker/0:led', this.setAndReturn(led, value), { kernelThread: true });
        if (!how.once) again(value === 0 ? full : 0, value === 0 ? how.off : how.on);
      };
      this.blinking.set(led, k.clock.arm(k.clock.now + Math.max(delay, 1) * 1e6, fire));
    };
    again(how.invert ? full : 0, how.on);
  }

  private *setAndReturn(led: Ptr, value: number): Sleepable<number> {
    return yield* this.set(led, value);
  }

  /** led_update_brightness(): asks the driver, if it can tell. */
  *update(led: Ptr): Sleepable<number> {
    const type = this.k.struct('led_classdev');
    if (type.get(led, 'brightness_get') === 0) return 0;
    // An error number comes back as an enum that has no negative ones.
    const value = (yield* type.call(led, 'brightness_get', led)) | 0;
    if (value < 0) return value;
    type.set(led, 'brightness', value);
    return 0;
  }
}
