import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** What boards say is on their MDIO buses (drivers/net/phy/mdio-boardinfo.c). */
export class MdioBoards implements Subsystem {
  /** Copies of struct mdio_board_info, in the base kernel's memory. */
  private readonly entries: Ptr[] = [];

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    mdiobus_register_board_info: (info: Ptr, count: number) => this.register(info, count),
    mdiobus_setup_mdiodev_from_board_info: (bus: Ptr, create: Ptr) => this.setUp(bus, create),
  };

  private register(info: Ptr, count: number): number {
    const { k } = this;
    const { size } = k.struct('mdio_board_info');
    for (let i = 0; i < count; i++) {
      const copy = k.permanent(size);
      k.space.writable(copy, size).set(k.space.readable(info + i * size, size));
      this.entries.push(copy);
    }
    return 0;
  }

  /** Offers each device of a bus to the function that creates it. */
  private *setUp(bus: Ptr, create: Ptr): Sleepable<void> {
    const { k } = this;
    const id = k.struct('mii_bus').text(bus, 'id');
    for (const entry of this.entries)
      if (k.struct('mdio_board_info').string(entry, 'bus_id') === id)
        yield* k.callAs('i:pp', create, bus, entry);
  }
}
