import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import { list } from '../../abi/list.js';
import { ENOENT } from '../../errno.js';
import { errPtr } from '../../errors.js';
import { type Holding, heldStructs, listedStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Who gets which GPIO (drivers/gpio/gpiolib.c): tables can be added; the machine has no GPIO controller. */
export class GpioLookup implements Subsystem {
  static readonly builtIn = 'CONFIG_GPIOLIB';

  private list: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly keeps = ['gpio_lookup_list'];
  readonly exports = {
    gpiod_add_lookup_table: (table: Ptr) => this.add(table),
    gpiod_remove_lookup_table: (table: Ptr) => {
      if (table !== 0) list.delInit(this.k.space, this.k.struct('gpiod_lookup_table').addr(table, 'list'));
    },
    gpiochip_find: nothing('no firmware names GPIO lines', 0),
    gpiod_get: nothing('no firmware names GPIO lines', errPtr(ENOENT)),
    gpiod_get_optional: nothing('no firmware names GPIO lines', 0),
    gpiod_get_index: nothing('no firmware names GPIO lines', errPtr(ENOENT)),
    gpiod_get_index_optional: nothing('no firmware names GPIO lines', 0),
    devm_gpiod_get: nothing('no firmware names GPIO lines', errPtr(ENOENT)),
    devm_gpiod_get_optional: nothing('no firmware names GPIO lines', 0),
    devm_gpiod_get_index: nothing('no firmware names GPIO lines', errPtr(ENOENT)),
    devm_gpiod_get_index_optional: nothing('no firmware names GPIO lines', 0),
    gpiod_put: nothing('no firmware names GPIO lines', undefined),
    gpiod_count: nothing('no firmware names GPIO lines', -ENOENT),
  };

  holds(): Iterable<Holding> {
    const listed = listedStructs(this.k, 'gpiod_lookup_table', 'list', this.list);
    const what = { kind: 'GPIO lookup table', struct: 'gpiod_lookup_table', name: 'dev_id' };
    return heldStructs(this.k, what, listed);
  }

  boot(): void {
    const { k } = this;
    this.list = k.hasSymbol('gpio_lookup_list') ? k.symbol('gpio_lookup_list') : k.permanent(16);
    list.init(k.space, this.list);
  }

  private add(table: Ptr): void {
    this.k.origins.note(table);
    list.addTail(this.k.space, this.k.struct('gpiod_lookup_table').addr(table, 'list'), this.list);
  }
}
