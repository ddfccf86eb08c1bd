import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import { ENXIO } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/**
 * What the firmware says of the machine (drivers/firmware/dmi_scan.c). This machine's firmware has no SMBIOS
 * tables, as QEMU's microvm: every field is missing, so no table of machines ever matches.
 */
export class Dmi implements Subsystem {
  static readonly builtIn = 'CONFIG_DMI';

  readonly exports = {
    dmi_check_system: nothing('there are no DMI tables', 0),
    dmi_first_match: nothing('there are no DMI tables', 0),
    dmi_get_system_info: nothing('there are no DMI tables', 0),
    dmi_match: (_field: number, text: Ptr) => text === 0,
    dmi_name_in_vendors: nothing('there are no DMI tables', 0),
    dmi_name_in_serial: nothing('there are no DMI tables', 0),
    dmi_find_device: nothing('there are no DMI tables', 0),
    dmi_get_date: (_field: number, year: Ptr, month: Ptr, day: Ptr) => this.noDate(year, month, day),
    dmi_get_bios_year: nothing('there are no DMI tables', -ENXIO),
    dmi_walk: nothing('there are no DMI tables', -ENXIO),
    dmi_memdev_name: (_handle: number, bank: Ptr, device: Ptr) => {
      for (const slot of [bank, device]) this.k.space.storePtr(slot, 0);
    },
    dmi_memdev_size: nothing('there are no DMI tables', -1),
    dmi_memdev_type: nothing('there are no DMI tables', 0),
    dmi_memdev_handle: nothing('there are no DMI tables', 0xffff),
  };

  readonly signatures = { dmi_memdev_size: 'l:H' };

  constructor(private readonly k: LinuxKernel) {}

  private noDate(year: Ptr, month: Ptr, day: Ptr): boolean {
    for (const slot of [year, month, day]) if (slot !== 0) this.k.space.store32(slot, 0);
    return false;
  }
}
