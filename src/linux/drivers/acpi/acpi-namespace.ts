import type { Ptr } from '../../../cpu/layout.js';
import { EINVAL, ENODEV } from '../../../kernel/errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** ACPI status codes (include/acpi/acexcep.h). */
const AE_OK = 0;
const AE_NOT_FOUND = 5;
const AE_NOT_EXIST = 6;
const AE_BAD_PARAMETER = 0x1001;

const EXCEPTIONS: Readonly<Record<number, string>> = {
  [AE_OK]: 'AE_OK',
  1: 'AE_ERROR',
  2: 'AE_NO_ACPI_TABLES',
  3: 'AE_NO_NAMESPACE',
  4: 'AE_NO_MEMORY',
  [AE_NOT_FOUND]: 'AE_NOT_FOUND',
  [AE_NOT_EXIST]: 'AE_NOT_EXIST',
  7: 'AE_ALREADY_EXISTS',
  8: 'AE_TYPE',
  [AE_BAD_PARAMETER]: 'AE_BAD_PARAMETER',
};

/**
 * The ACPI namespace as drivers ask it: on, but with no object that a driver of hardware would look for. Every
 * look-up gives what ACPICA gives for a name or table that is not there.
 */
export class AcpiNamespace implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    acpi_get_handle: (_parent: Ptr, name: Ptr, handle: Ptr) => {
      if (name === 0 || handle === 0) return AE_BAD_PARAMETER;
      this.k.space.storePtr(handle, 0);
      return AE_NOT_FOUND;
    },
    acpi_evaluate_object: () => AE_NOT_FOUND,
    acpi_evaluate_object_typed: () => AE_NOT_FOUND,
    acpi_evaluate_integer: () => AE_NOT_FOUND,
    acpi_evaluate_dsm: () => 0,
    acpi_evaluate_reference: () => (this.returnsBool('acpi_evaluate_reference') ? 0 : AE_NOT_FOUND),
    acpi_execute_simple_method: () => AE_NOT_FOUND,
    acpi_check_dsm: () => false,
    acpi_has_method: () => false,
    acpi_get_devices: () => AE_OK,
    acpi_walk_namespace: () => AE_OK,
    acpi_get_table: (_signature: Ptr, _instance: number, table: Ptr) => {
      if (table !== 0) this.k.space.storePtr(table, 0);
      return AE_NOT_FOUND;
    },
    acpi_put_table: () => undefined,
    acpi_get_name: () => AE_BAD_PARAMETER,
    acpi_get_parent: () => AE_NOT_EXIST,
    acpi_get_object_info: () => AE_BAD_PARAMETER,
    acpi_install_notify_handler: () => AE_BAD_PARAMETER,
    acpi_remove_notify_handler: () => AE_BAD_PARAMETER,
    acpi_format_exception: (status: number) =>
      this.k.constantString(EXCEPTIONS[status] ?? `UNKNOWN_STATUS_CODE`),
    acpi_fetch_acpi_dev: () => 0,
    acpi_get_acpi_dev: () => 0,
    acpi_bus_get_device: () => -ENODEV,
    acpi_get_first_physical_node: () => 0,
    acpi_dev_present: () => false,
    acpi_dev_found: () => false,
    acpi_dev_get_first_match_dev: () => 0,
    acpi_dev_get_next_match_dev: () => 0,
    acpi_dev_for_each_child: () => 0,
    acpi_dev_get_property: () => -EINVAL,
    acpi_device_get_power: () => -EINVAL,
    acpi_resources_are_enforced: () => 1,
    acpi_check_resource_conflict: () => 0,
    acpi_check_region: () => 0,
    acpi_match_platform_list: () => -ENODEV,
    acpi_osi_is_win8: () => false,
    acpi_quirk_skip_acpi_ac_and_battery: () => false,
    acpi_dev_get_resources: () => -EINVAL,
    acpi_gpio_get_irq_resource: () => false,
    acpi_dev_add_driver_gpios: () => -EINVAL,
    acpi_dev_remove_driver_gpios: () => undefined,
    acpi_register_lps0_dev: () => -ENODEV,
    acpi_unregister_lps0_dev: () => undefined,
    ec_read: () => -ENODEV,
    ec_write: () => -ENODEV,
    ec_transaction: () => -ENODEV,
    ec_get_handle: () => 0,
  };

  /** Some functions of the namespace used to return an acpi_status and became predicates. */
  private returnsBool(name: string): boolean {
    const { types } = this.k;
    const result = types.findPrototype(name)?.result;
    return result !== undefined && types.classify(result).kind === 'bool';
  }
}
