import type { Value } from '../../kernel/effects.js';
import { DMA_MAPPING_ERROR } from '../drivers/dma/dma-debug.js';
import { EBUSY, EIO, ENOMEM, ENOSPC } from '../errno.js';
import { errPtr } from '../errors.js';

/** What kind of thing goes wrong. */
export type FailureKind = 'allocation' | 'mapping' | 'transfer' | 'registration';

/** A function of the kernel that can fail without having done anything, as its callers have to expect. */
export interface Failing {
  readonly kind: FailureKind;
  /** What it gives then. */
  readonly gives: Value;
}

/** Names that fail alike, separated by spaces. */
function all(names: string, failing: Failing): [string, Failing][] {
  return names
    .split(/\s+/)
    .filter((name) => name !== '')
    .map((name) => [name, failing]);
}

const noMemory = (names: string): [string, Failing][] => all(names, { kind: 'allocation', gives: 0 });
const errno = (kind: FailureKind, number: number, names: string): [string, Failing][] =>
  all(names, { kind, gives: -number });
const pointer = (number: number, names: string): [string, Failing][] =>
  all(names, { kind: 'registration', gives: errPtr(number) });

/**
 * Functions whose calls can be made to fail, and what they give then: as lists of ALLOW_ERROR_INJECTION() in the kernel say it of its own functions
 * (Documentation/fault-injection/fault-injection.rst). Those are not here whose callers have to undo something of them after they failed (device_register(),
 * kobject_init_and_add(), platform_device_register()): not running them is not how they fail. Nor are functions of modules (usb_submit_urb() is usbcore.ko's own code).
 */
export const ERROR_LIST: ReadonlyMap<string, Failing> = new Map([
  ...noMemory(
    `kmalloc_trace kmalloc_node_trace kmalloc_large kmalloc_large_node __kmalloc __kmalloc_node __kmalloc_node_track_caller kmem_cache_alloc kmem_cache_alloc_node
    kvmalloc_node __vmalloc vmalloc vzalloc vmalloc_user vmalloc_32 krealloc kmemdup kstrdup kstrndup kasprintf kvasprintf alloc_pages_exact __get_free_pages
    get_zeroed_page __alloc_pages alloc_pages __alloc_percpu __alloc_percpu_gfp kmem_cache_create kmem_cache_create_usercopy mempool_create mempool_create_node devm_kmalloc
    devm_kmemdup devm_kstrdup devm_kasprintf dma_alloc_attrs dmam_alloc_attrs dma_pool_create dmam_pool_create dma_pool_alloc alloc_workqueue alloc_etherdev_mqs
    alloc_netdev_mqs devm_alloc_etherdev_mqs build_skb __alloc_skb __netdev_alloc_skb __napi_alloc_skb input_allocate_device devm_input_allocate_device cdev_alloc
    __spi_alloc_controller`,
  ),
  ...all(
    `ioremap ioremap_wc ioremap_uc devm_ioremap devm_ioremap_wc pci_iomap pci_iomap_range pci_iomap_wc pci_ioremap_bar pcim_iomap __request_region __devm_request_region
    proc_create proc_mkdir proc_create_data`,
    { kind: 'registration', gives: 0 },
  ),
  ...all('dma_map_page_attrs dma_map_resource', { kind: 'mapping', gives: DMA_MAPPING_ERROR }),
  ...all('dma_map_sg_attrs', { kind: 'mapping', gives: 0 }),
  ...errno('mapping', EIO, 'dma_map_sgtable dma_set_mask dma_set_coherent_mask'),
  ...errno(
    'transfer',
    EIO,
    `i2c_transfer __i2c_transfer i2c_transfer_buffer_flags i2c_smbus_read_byte i2c_smbus_write_byte i2c_smbus_read_byte_data i2c_smbus_write_byte_data
    i2c_smbus_read_word_data i2c_smbus_write_word_data i2c_smbus_read_block_data i2c_smbus_write_block_data i2c_smbus_read_i2c_block_data i2c_smbus_write_i2c_block_data
    i2c_smbus_read_i2c_block_data_or_emulated i2c_smbus_xfer spi_sync spi_sync_locked spi_write_then_read regmap_read regmap_write regmap_bulk_read regmap_bulk_write
    regmap_raw_read regmap_raw_write regmap_noinc_read regmap_noinc_write regmap_update_bits_base`,
  ),
  ...errno(
    'registration',
    ENOMEM,
    `request_threaded_irq devm_request_threaded_irq request_any_context_irq alloc_chrdev_region cdev_add device_add misc_register register_netdev register_netdevice
    input_register_device i2c_add_adapter i2c_register_driver __pci_register_driver __platform_driver_register led_classdev_register_ext devm_led_classdev_register_ext
    __devm_rtc_register_device gpiochip_add_data_with_key devm_gpiochip_add_data_with_key sysfs_create_group sysfs_create_file_ns sysfs_create_bin_file
    device_create_file __register_blkdev device_add_disk __devm_add_action device_create_bin_file clk_prepare clk_enable regulator_enable pcim_iomap_regions`,
  ),
  ...errno('registration', EIO, 'pci_enable_device pci_enable_device_mem pcim_enable_device pci_set_mwi'),
  ...errno(
    'registration',
    EBUSY,
    '__register_chrdev register_chrdev_region pci_request_regions pci_request_region pci_request_selected_regions',
  ),
  ...errno(
    'registration',
    ENOSPC,
    'pci_alloc_irq_vectors pci_alloc_irq_vectors_affinity pci_enable_msi pci_enable_msix_range',
  ),
  ...pointer(
    ENOMEM,
    `device_create __class_create class_create kthread_create_on_node hwmon_device_register_with_info hwmon_device_register_with_groups
    devm_hwmon_device_register_with_info devm_hwmon_device_register_with_groups devm_ioremap_resource devm_platform_ioremap_resource devm_rtc_allocate_device
    devm_regulator_get devm_clk_get devm_gpiod_get __devm_regmap_init __regmap_init thermal_zone_device_register power_supply_register memdup_user`,
  ),
]);
