import { NET_SUBSYSTEMS } from './net.js';
import { STORAGE_SUBSYSTEMS } from './storage.js';
import type { NativeSubsystem } from './subsystem.js';

/** The subsystems that run natively, each with a scenario in the tests beside this. */
export const NATIVE_SUBSYSTEMS: readonly NativeSubsystem[] = [
  {
    // drivers/i2c: the bus is TypeScript's.
    name: 'i2c',
    functions: /^(__)?i2c_/,
    init: [],
    shares: ['device', 'i2c_adapter', 'i2c_client', 'task_struct'],
  },
  {
    name: 'regmap',
    functions: /^(_*(devm_)?_*regmap_|dev_get_regmap)/,
    init: ['regmap_initcall'],
    shares: ['device', 'i2c_client', 'regmap', 'task_struct'],
    needs: ['i2c'],
  },
  {
    // drivers/input/input-mt.c, ff-core.c and what else looks at an input device: the core is TypeScript's.
    name: 'input',
    functions: /^input_(mt_|ff_|get_timestamp|set_timestamp|copy_abs|device_enabled|get_keycode|set_keycode)/,
    init: [],
    shares: ['input_dev', 'task_struct'],
  },
  {
    // drivers/pci: access.c, capabilities and bits of the configuration space, through the operations of a device's bus.
    name: 'pci',
    functions:
      /^(__)?pcie?_((bus_|user_)?(read|write)_config_|(bus_)?find_(next_)?(ext_|ht_)?capability|capability_|set_master|clear_master|intx$|msi_vec_count|msix_vec_count|find_vsec|find_dvsec|get_dsn|save_state|store_saved_state|load_saved_state|load_and_free_saved_state|check_and_(un)?mask_intx|get_readrq|get_mps|status_get_and_clear|bandwidth|get_speed_cap|get_width_cap|cfg_access|speed_string|device_is_present)/,
    init: [],
    asBuilt: ['pci_lock', 'pcibios_disable_irq', 'pcibios_max_latency', 'pci_cache_line_size'],
    shares: ['pci_dev', 'pci_bus', 'task_struct'],
  },
  {
    // drivers/clk
    name: 'clk',
    functions: /^_*(devm_)?_*(of_)?clk(dev)?_/,
    init: ['clk_debug_init'],
    asBuilt: ['clk_root_list', 'clk_orphan_list'],
    shares: ['device', 'device_driver', 'task_struct'],
  },
  {
    // drivers/reset
    name: 'reset',
    functions: /^_*(devm_)?_*(of_)?(reset_control|reset_simple)/,
    init: [],
    shares: ['device', 'device_node', 'task_struct'],
  },
  {
    // drivers/regulator
    name: 'regulator',
    functions: /^_*(devm_)?_*(of_)?(regulator|rdev)_/,
    // acpi_subsystem_init(): with ACPI, regulators that nobody describes are the firmware's.
    init: ['regulator_init', 'regulator_has_full_constraints'],
    asBuilt: ['regulator_ignore_unused'],
    needs: ['regmap'],
    shares: ['device', 'regmap', 'task_struct'],
  },
  {
    // drivers/opp
    name: 'opp',
    functions: /^_*(devm_)?_*dev_pm_opp_/,
    init: ['opp_debug_init'],
    needs: ['clk', 'regulator'],
    shares: ['device', 'device_node', 'task_struct'],
  },
  {
    // drivers/gpio: TypeScript, which has no lines, is for targets without an image. Tables of who gets which are its.
    name: 'gpio',
    functions: /^(devm_)?(fwnode_)?gpio(d|chip)?_/,
    init: ['gpiolib_dev_init'],
    needs: ['acpi'],
    replaces: /^(devm_)?gpiod?_(?!(add|remove)_lookup_table)|^gpiochip_find$/,
    shares: ['device', 'fwnode_handle', 'task_struct'],
  },
  {
    // block/bio.c: TypeScript has no bios.
    name: 'bio',
    functions: /^(__)?bio(set)?_/,
    init: ['init_bio'],
    replaces: /^bioset_(init|exit)$/,
    shares: ['bio', 'page', 'task_struct'],
  },
  {
    // drivers/acpi: a namespace without tables. TypeScript has none; the bus and its drivers are its.
    name: 'acpi',
    functions: /^_*(devm_)?(acpi|apei|cppc|erst|ec|pci_acpi)_/,
    init: ['acpi_initialize_subsystem', 'acpi_os_initialize1'],
    stands:
      /^(acpi_(init|early_init|boot_init|boot_table_init|os_initialize|event_init|locate_initial_tables|reallocate_root_table|ut_init_globals|ut_create_caches|ut_mutex_initialize|ns_root_initialize|ev_\w+|tb_\w+|reserve_resources)|adxl_init)$/,
    replaces:
      /^acpi_(get_(handle|devices|table|name|parent|object_info|acpi_dev|first_physical_node)|evaluate_\w+|execute_simple_method|check_(dsm|region|resource_conflict)|has_method|walk_namespace|put_table|(install|remove)_(notify|address_space)_handler|format_exception|fetch_acpi_dev|dev_(present|found|get_\w+|for_each_child|add_driver_gpios|remove_driver_gpios)|device_get_power|resources_are_enforced|match_platform_list|osi_is_win8|gpio_get_irq_resource)$|^ec_/,
    shares: ['device', 'fwnode_handle', 'kobject', 'resource', 'task_struct'],
  },
  {
    // drivers/firmware/efi/vars.c: variables of firmware that the machine does not have, until a module brings it.
    name: 'efivars',
    functions: /^efivar/,
    init: [],
    replaces: /^efivar(s_kobject|_supports_writes|_is_available)$/,
    shares: ['kobject', 'task_struct'],
  },
  {
    // drivers/gpu/vga/vga_switcheroo.c
    name: 'vga_switcheroo',
    functions: /^vga_switcheroo_/,
    init: [],
    needs: ['framebuffer'],
    replaces: /^vga_switcheroo_/,
    shares: ['device', 'pci_dev', 'task_struct'],
  },
  {
    // drivers/dma/dmaengine.c: TypeScript has no engines.
    name: 'dmaengine',
    functions:
      /^(dmam?_(async_|release_channel|request_chan|get_(any_)?slave|issue_pending|find_channel|sync_wait|wait_for)|dmaengine|dmaenginem_|__dma_request_channel|dma_run_dependencies)/,
    init: ['dma_bus_init', 'dma_channel_table_init'],
    replaces:
      /^(dmaengine_(get|put)|dma_find_channel|dma_issue_pending_all|dma_request_chan(_by_mask)?|__dma_request_channel)$/,
    shares: ['device', 'task_struct'],
  },
  {
    // drivers/spi/spi.c: the bus, its classes and drivers are TypeScript's.
    name: 'spi',
    functions: /^_*(devm_)?_*spi_/,
    init: [],
    stands: /^spi_init$/,
    needs: ['acpi', 'gpio'],
    shares: ['device', 'spi_device', 'task_struct'],
  },
  {
    // drivers/base/component.c: TypeScript only notes who is there.
    name: 'component',
    functions: /^component_/,
    init: ['component_debug_init'],
    replaces: /^component_/,
    shares: ['device', 'task_struct'],
  },
  {
    // drivers/tty/vt and drivers/video/fbdev: without an adapter the machine's consoles are dummies, until a frame buffer takes them over.
    name: 'framebuffer',
    functions:
      /^((un)?register_framebuffer|fb_(set_suspend|set_var|blank|(un)?register_client|notifier_call_chain)|fbcon_\w+|(do_)?(un)?(take_over|register|unbind)_con(sole|_driver)|give_up_console|con_is_(bound|visible))$/,
    init: ['con_init', 'vtconsole_class_init', 'fbmem_init'],
    shares: ['device', 'fb_info', 'task_struct'],
  },
  {
    // drivers/char/tpm
    name: 'tpm',
    functions: /^tpmm?[12]?_/,
    init: ['tpm_init'],
    shares: ['device', 'task_struct', 'tpm_chip'],
  },
  {
    // drivers/edac: TypeScript has no memory controllers.
    name: 'edac',
    functions: /^edac_/,
    init: ['edac_init'],
    replaces: /^edac_(get_owner|has_mcs|mc_find)$/,
    shares: ['device', 'kobject', 'pci_dev', 'task_struct'],
  },
  ...NET_SUBSYSTEMS,
  ...STORAGE_SUBSYSTEMS,
];
