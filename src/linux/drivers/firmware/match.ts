import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import { ENOENT } from '../../errno.js';
import { isErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/**
 * Matching by what firmware says of a device: its ACPI companion. (Kernels for x86 have no device tree.) No
 * firmware of this machine describes a device, so tables of ACPI ids match nothing.
 */
export class FirmwareMatch implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    acpi_match_device: nothing('there are no ACPI tables and no device tree', 0),
    acpi_match_device_ids: nothing('there are no ACPI tables and no device tree', -ENOENT),
    acpi_dev_state_d0: nothing('there are no ACPI tables and no device tree', true),
    acpi_device_get_match_data: nothing('there are no ACPI tables and no device tree', 0),
    acpi_driver_match_device: (device: Ptr, driver: Ptr) => this.matches(device, driver),
    device_get_match_data: nothing('there are no ACPI tables and no device tree', 0),
    is_acpi_device_node: (node: Ptr) => this.isAcpi(node, 'acpi_device_fwnode_ops'),
    is_acpi_data_node: (node: Ptr) => this.isAcpi(node, 'acpi_data_fwnode_ops'),
  };

  /** of_driver_match_device() || acpi_driver_match_device() */
  matches(_device: Ptr, _driver: Ptr): boolean {
    return false;
  }

  private isAcpi(node: Ptr, operations: string): boolean {
    if (node === 0 || isErr(node) || !this.k.hasSymbol(operations)) return false;
    return this.k.struct('fwnode_handle').get(node, 'ops') === this.k.symbol(operations);
  }
}
