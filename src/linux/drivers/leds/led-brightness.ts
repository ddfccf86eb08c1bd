import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** The LEDs that are registered, and how bright they are (drivers/leds/led-core.c). */
export class LedBrightness implements Subsystem {
  static readonly builtIn = 'CONFIG_NEW_LEDS';

  private readonly registered = new Set<Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    led_set_brightness_nosleep: (led: Ptr, value: number) => this.set(led, value),
    led_set_brightness_nopm: (led: Ptr, value: number) => this.set(led, value),
    led_set_brightness_sync: (led: Ptr, value: number) => this.set(led, value),
    led_update_brightness: (led: Ptr) => this.update(led),
  };

  leds(): IterableIterator<Ptr> {
    return this.registered.values();
  }

  isRegistered(led: Ptr): boolean {
    return this.registered.has(led);
  }

  add(led: Ptr): void {
    this.registered.add(led);
  }

  delete(led: Ptr): void {
    this.registered.delete(led);
  }

  /** led_set_brightness_nosleep(): through whichever function the driver has. */
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
