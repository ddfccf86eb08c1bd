import type { Ptr } from '../../cpu/layout.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EINVAL } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** struct keyboard_driver (sys/dev/kbd/kbdreg.h, which is not installed). */
const LINK = 0;
const NAME = 8;
const SWITCH = 16;
/** Members of keyboard_switch_t that the kernel fills in where a driver has none. */
const GET_FKEYSTR = 16 * 8;
const DIAG = 18 * 8;

/** Drivers of keyboards (sys/dev/kbd/kbd.c). The machine has no keyboard: none is ever registered. */
export class KeyboardDrivers implements Subsystem {
  /** The last one first. */
  private readonly drivers: Ptr[] = [];

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    kbd_add_driver: (driver: Ptr) => this.add(driver),
    kbd_delete_driver: (driver: Ptr) => this.delete(driver),
    kbd_get_switch: (name: Ptr) => this.switchOf(this.k.space.cstring(name)),
  };

  readonly signatures = { kbd_add_driver: 'i:p', kbd_delete_driver: 'i:p', kbd_get_switch: 'p:p' };

  private add(driver: Ptr): number {
    const { space } = this.k;
    if (space.loadPtr(driver + LINK) !== 0) return EINVAL;
    const table = space.loadPtr(driver + SWITCH);
    for (const [place, generic] of [
      [GET_FKEYSTR, 'genkbd_get_fkeystr'],
      [DIAG, 'genkbd_diag'],
    ] as const)
      if (space.loadPtr(table + place) === 0) space.storePtr(table + place, this.k.fn(generic));
    space.storePtr(driver + LINK, this.drivers[0] ?? 0);
    this.drivers.unshift(driver);
    return 0;
  }

  private delete(driver: Ptr): number {
    const { space } = this.k;
    const at = this.drivers.indexOf(driver);
    if (at < 0) return 0;
    const next = space.loadPtr(driver + LINK);
    if (at > 0) space.storePtr(this.drivers[at - 1] + LINK, next);
    this.drivers.splice(at, 1);
    space.storePtr(driver + LINK, 0);
    return 0;
  }

  private switchOf(name: string): Ptr {
    const { space } = this.k;
    const found = this.drivers.find((driver) => space.cstring(space.loadPtr(driver + NAME)) === name);
    return found === undefined ? 0 : space.loadPtr(found + SWITCH);
  }

  *holds(): Generator<Holding> {
    const { space } = this.k;
    for (const at of this.drivers)
      yield { kind: 'keyboard driver', at, name: () => space.cstring(space.loadPtr(at + NAME)) };
  }
}
