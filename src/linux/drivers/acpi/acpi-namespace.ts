import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import { EINVAL, ENODEV } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { AE_BAD_PARAMETER, AE_NOT_EXIST, AE_NOT_FOUND, AE_OK } from './status.js';

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
  static readonly builtIn = 'CONFIG_ACPI';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    acpi_get_handle: (_parent: Ptr, name: Ptr, handle: Ptr) => {
      if (name === 0 || handle === 0) return AE_BAD_PARAMETER;
      this.k.space.storePtr(handle, 0);
      return AE_NOT_FOUND;
    },
    acpi_evaluate_object: nothing('there are no ACPI tables', AE_NOT_FOUND),
    acpi_evaluate_object_typed: nothing('there are no ACPI tables', AE_NOT_FOUND),
    acpi_evaluate_integer: nothing('there are no ACPI tables', AE_NOT_FOUND),
    acpi_evaluate_dsm: nothing('there are no ACPI tables', 0),
    acpi_evaluate_reference: () => (this.returnsBool('acpi_evaluate_reference') ? 0 : AE_NOT_FOUND),
    acpi_execute_simple_method: nothing('there are no ACPI tables', AE_NOT_FOUND),
    acpi_check_dsm: nothing('there are no ACPI tables', false),
    acpi_has_method: nothing('there are no ACPI tables', false),
    acpi_get_devices: nothing('there are no ACPI tables', AE_OK),
    acpi_walk_namespace: nothing('there are no ACPI tables', AE_OK),
    acpi_get_table: (_signature: Ptr, _instance: number, table: Ptr) => {
      if (table !== 0) this.k.space.storePtr(table, 0);
      return AE_NOT_FOUND;
    },
    acpi_put_table: nothing('there are no ACPI tables', undefined),
    acpi_get_name: nothing('there are no ACPI tables', AE_BAD_PARAMETER),
    acpi_get_parent: nothing('there are no ACPI tables', AE_NOT_EXIST),
    acpi_get_object_info: nothing('there are no ACPI tables', AE_BAD_PARAMETER),
    acpi_install_notify_handler: nothing('there are no ACPI tables', AE_BAD_PARAMETER),
    acpi_remove_notify_handler: nothing('there are no ACPI tables', AE_BAD_PARAMETER),
    acpi_format_exception: (status: number) =>
      this.k.constantString(EXCEPTIONS[status] ?? `UNKNOWN_STATUS_CODE`),
    acpi_fetch_acpi_dev: nothing('there are no ACPI tables', 0),
    acpi_get_acpi_dev: nothing('there are no ACPI tables', 0),
    acpi_get_first_physical_node: nothing('there are no ACPI tables', 0),
    acpi_dev_present: nothing('there are no ACPI tables', false),
    acpi_dev_found: nothing('there are no ACPI tables', false),
    acpi_dev_get_first_match_dev: nothing('there are no ACPI tables', 0),
    acpi_dev_get_next_match_dev: nothing('there are no ACPI tables', 0),
    acpi_dev_for_each_child: nothing('there are no ACPI tables', 0),
    acpi_dev_get_property: nothing('there are no ACPI tables', -EINVAL),
    acpi_device_get_power: nothing('there are no ACPI tables', -EINVAL),
    acpi_resources_are_enforced: nothing('there are no ACPI tables', 1),
    acpi_check_resource_conflict: nothing('there are no ACPI tables', 0),
    acpi_check_region: nothing('there are no ACPI tables', 0),
    acpi_match_platform_list: nothing('there are no ACPI tables', -ENODEV),
    acpi_osi_is_win8: nothing('there are no ACPI tables', false),
    acpi_quirk_skip_acpi_ac_and_battery: nothing('there are no ACPI tables', false),
    acpi_dev_get_resources: nothing('there are no ACPI tables', -EINVAL),
    acpi_gpio_get_irq_resource: nothing('there are no ACPI tables', false),
    acpi_dev_add_driver_gpios: nothing('there are no ACPI tables', -EINVAL),
    acpi_dev_remove_driver_gpios: nothing('there are no ACPI tables', undefined),
    acpi_register_lps0_dev: nothing('there are no ACPI tables', -ENODEV),
    acpi_unregister_lps0_dev: nothing('there are no ACPI tables', undefined),
    ec_read: nothing('there are no ACPI tables', -ENODEV),
    ec_write: nothing('there are no ACPI tables', -ENODEV),
    ec_transaction: nothing('there are no ACPI tables', -ENODEV),
    ec_get_handle: nothing('there are no ACPI tables', 0),
  };

  /** Some functions of the namespace used to return an acpi_status and became predicates. */
  private returnsBool(name: string): boolean {
    const { types } = this.k;
    const result = types.findPrototype(name)?.result;
    return result !== undefined && types.classify(result).kind === 'bool';
  }
}
