import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import { invoke, invokeInt } from '../../kobject/invoke.js';
import type { Subsystem } from '../../subsystem.js';

/** The LEDs that are registered, and how bright they are (drivers/leds/led-core.c). */
export class LedBrightness implements Subsystem {
  private readonly registered = new Set<Ptr>();

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
    this.registered.delete(led);
  }

  /** led_set_brightness(): through whichever function the driver has. */
  *set(led: Ptr, value: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('led_classdev');
    const brightness = Math.min(value >>> 0, type.get(led, 'max_brightness'));
    type.set(led, 'brightness', brightness);
    const direct = type.get(led, 'brightness_set');
    if (direct !== 0) {
      yield* invoke(k, direct, led, brightness);
      return 0;
    }
    const blocking = type.get(led, 'brightness_set_blocking');
    return blocking === 0 ? 0 : yield* invokeInt(k, blocking, led, brightness);
  }

  /** led_update_brightness(): asks the driver, if it can tell. */
  *update(led: Ptr): Sleepable<number> {
    const type = this.k.struct('led_classdev');
    const get = type.get(led, 'brightness_get');
    if (get === 0) return 0;
    const value = yield* invokeInt(this.k, get, led);
    if (value < 0) return value;
    type.set(led, 'brightness', value);
    return 0;
  }
}
