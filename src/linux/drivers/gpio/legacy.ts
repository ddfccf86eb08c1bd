import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import { LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { EINVAL, EPROBE_DEFER } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Kernels without CONFIG_ARCH_NR_GPIO (6.2 and later) take every number that is not negative. */
const ALL_NUMBERS = 2 ** 31;

/**
 * GPIO lines by number (drivers/gpio/gpiolib-legacy.c) on a machine that has no controller: a number that could
 * be is taken for one whose chip comes later, and what is done with the line that it is not has no effect.
 */
export class LegacyGpio implements Subsystem {
  static readonly builtIn = 'CONFIG_GPIOLIB';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    gpio_to_desc: (gpio: number) => this.describe(gpio),
    gpio_request: (gpio: number, _label: Ptr) => this.request(gpio),
    gpio_request_one: (gpio: number, _flags: number, _label: Ptr) => this.request(gpio),
    gpio_request_array: (array: Ptr, count: number) => this.requestAll(array, count),
    gpio_free: (gpio: number) => void this.describe(gpio),
    gpio_free_array: (array: Ptr, count: number) => {
      for (let index = count; index-- > 0; ) this.describe(this.numberIn(array, index));
    },
    devm_gpio_request: (_device: Ptr, gpio: number, _label: Ptr) => this.request(gpio),
    devm_gpio_request_one: (_device: Ptr, gpio: number, _flags: number, _label: Ptr) => this.request(gpio),
    gpiod_to_irq: nothing('GPIO lines have no state and no interrupts', -EINVAL),
    gpiod_get_direction: nothing('GPIO lines have no state and no interrupts', -EINVAL),
    ...Object.fromEntries(WITHOUT_LINE.map((name) => [name, () => 0])),
  };

  private get numbers(): number {
    return Number(this.k.target.config.get('CONFIG_ARCH_NR_GPIO') ?? ALL_NUMBERS);
  }

  private valid(gpio: number): boolean {
    return gpio >>> 0 < this.numbers;
  }

  /** gpio_to_desc(): no number has a line here. */
  private describe(gpio: number): Ptr {
    if (!this.valid(gpio)) this.k.log.line(`invalid GPIO ${gpio | 0}`, LOGLEVEL_WARNING);
    return 0;
  }

  /** gpio_request(): a number that can never be is no error, as there is no line to refuse. */
  private request(gpio: number): number {
    this.describe(gpio);
    return this.valid(gpio) ? -EPROBE_DEFER : 0;
  }

  private requestAll(array: Ptr, count: number): number {
    for (let index = 0; index < count; index++) {
      const error = this.request(this.numberIn(array, index));
      if (error !== 0) return error;
    }
    return 0;
  }

  private numberIn(array: Ptr, index: number): number {
    const type = this.k.struct('gpio');
    return type.get(array + index * type.size, 'gpio');
  }
}

/** Functions of lines that answer 0 for NULL (VALIDATE_DESC). */
const WITHOUT_LINE = [
  'gpiod_direction_input',
  'gpiod_direction_output',
  'gpiod_direction_output_raw',
  'gpiod_get_value',
  'gpiod_get_value_cansleep',
  'gpiod_get_raw_value',
  'gpiod_get_raw_value_cansleep',
  'gpiod_set_value',
  'gpiod_set_value_cansleep',
  'gpiod_set_raw_value',
  'gpiod_set_raw_value_cansleep',
  'gpiod_cansleep',
  'gpiod_is_active_low',
  'gpiod_set_debounce',
];
