import type { Ptr } from '../../cpu/layout.js';
import type { Value } from '../../kernel/effects.js';
import { EBUSY, EIO, ENODEV, ENOMEM, ENOSPC } from '../errno.js';
import { errPtr } from '../errors.js';
import { ModuleHistory } from '../kallsyms/module-history.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** What functions give that have failed (asm-generic/error-injection.h: EI_ETYPE_NULL and its kin). */
const FAILURES: readonly (readonly [value: Value, names: string])[] = [
  [
    0,
    '__kmalloc __kmalloc_node kmalloc_trace kmalloc_node_trace kmalloc_large kmalloc_large_node kmem_cache_alloc_trace ' +
      '__kmalloc_noprof __kmalloc_node_noprof __kmalloc_cache_noprof __kmalloc_cache_node_noprof __kmalloc_large_noprof ' +
      'kmem_cache_alloc kmem_cache_alloc_node kmem_cache_zalloc kmem_cache_alloc_noprof krealloc ' +
      'vmalloc vzalloc vmalloc_node vmalloc_user __vmalloc kvmalloc_node vmalloc_noprof vzalloc_noprof __kvmalloc_node_noprof ' +
      '__get_free_pages get_zeroed_page __alloc_pages alloc_pages alloc_pages_exact __alloc_percpu __alloc_percpu_gfp ' +
      'kstrdup kmemdup kasprintf mempool_create kmem_cache_create kmem_cache_create_usercopy ' +
      'devm_kmalloc devm_kstrdup devm_kasprintf devm_kmemdup devm_ioremap pcim_iomap ' +
      'dma_alloc_attrs dmam_alloc_attrs dma_alloc_pages dma_pool_create dmam_pool_create dma_pool_alloc dma_map_sg_attrs ' +
      'ioremap ioremap_wc ioremap_uc ioremap_cache pci_iomap pci_iomap_range pci_ioremap_bar __request_region ' +
      '__alloc_skb __netdev_alloc_skb alloc_netdev_mqs alloc_etherdev_mqs alloc_workqueue input_allocate_device ' +
      'usb_alloc_urb usb_alloc_coherent cdev_alloc',
  ],
  [(1n << 64n) - 1n, 'dma_map_page_attrs dma_map_resource'],
  [
    -ENOMEM,
    'request_threaded_irq devm_request_threaded_irq request_any_context_irq misc_register cdev_add __register_chrdev ' +
      'alloc_chrdev_region register_netdev register_netdevice input_register_device device_add device_register ' +
      'sysfs_create_group sysfs_create_file_ns device_create_file kobject_init_and_add sg_alloc_table',
  ],
  [-EIO, 'pci_enable_device pci_enable_device_mem pcim_enable_device dma_set_mask dma_set_coherent_mask'],
  [-EBUSY, 'pci_request_regions pci_request_region pci_request_selected_regions pcim_iomap_regions'],
  [-ENOSPC, 'pci_alloc_irq_vectors pci_alloc_irq_vectors_affinity pci_enable_msi pci_enable_msix_range'],
  [-ENODEV, 'clk_prepare clk_enable regulator_enable'],
  [
    errPtr(ENOMEM),
    'device_create __class_create class_create memdup_user kthread_create_on_node devm_ioremap_resource',
  ],
];
const VALUES: ReadonlyMap<string, Value> = new Map(
  FAILURES.flatMap(([value, names]) => names.split(' ').map((name) => [name, value] as const)),
);

/** A call that was made to fail. */
export interface FailedCall {
  readonly symbol: string;
  /** `edu_probe+0x12/0x340 [edu]` */
  readonly caller: string;
}

/** A failure that is to come. */
export interface Failure {
  /** Calls that could have failed so far. */
  readonly calls: number;
  /** Undefined until one was made to fail. */
  readonly failed: FailedCall | undefined;
  /** No call fails any more by it. */
  stop(): void;
}

/**
 * Lets one call of a module fail, to see what its error path does (kernel/fail_function.c, Documentation/fault-injection): allocations, mappings,
 * registrations, as they fail when there is no memory, or no place.
 */
export class FailFunction implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: LinuxKernel) {}

  /** From now on the n-th call of modules that can fail does, counted from 1; another one that was to fail does not any more. */
  failNth(n: number): Failure {
    const { executor } = this.k;
    let calls = 0;
    let failed: FailedCall | undefined;
    const instead = (name: string, caller: Ptr): { readonly value: Value } | undefined => {
      const value = VALUES.get(name);
      if (value === undefined || this.k.get(Modules).moduleAt(caller) === undefined) return undefined;
      if (++calls !== n) return undefined;
      failed = { symbol: name, caller: this.k.get(ModuleHistory).symbolize(caller) };
      return { value };
    };
    executor.instead = instead;
    return {
      get calls() {
        return calls;
      },
      get failed() {
        return failed;
      },
      stop() {
        if (executor.instead === instead) executor.instead = undefined;
      },
    };
  }
}
