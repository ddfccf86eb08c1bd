import type { Ptr } from '../../cpu/layout.js';
import type { AnyFunction } from '../../kernel/abi/gate.js';
import { ENOSYS, ENXIO } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** What is called where a class has no such method. */
export interface DefaultMethod {
  readonly signature: string;
  readonly fn: AnyFunction;
}

/** What begins the names of the interfaces that the kernel itself has (the .m files that GENERIC is built from). */
const INTERFACES = [
  'acpi',
  'acpi_wmi',
  'bus',
  'card',
  'clock',
  'cpufreq',
  'cpufreq_drv',
  'cryptodev',
  'device',
  'fb',
  'g_part',
  'irdma',
  'irdma_di',
  'isa',
  'linker',
  'mmcbr',
  'mmcbus',
  'ofw_bus',
  'owll',
  'own',
  'pci',
  'pcib',
  'power',
  'serdev',
  'virtio',
] as const;

/** Defaults that are functions of the kernel which modules may call too: `bus_generic_print_child`. */
const BY_NAME: readonly string[] = [
  'print_child',
  'driver_added',
  'map_resource',
  'unmap_resource',
  'suspend_intr',
  'resume_intr',
  'get_resource_list',
  'child_present',
  'child_pnpinfo',
  'child_location',
  'bind_intr',
  'config_intr',
  'describe_intr',
  'get_dma_tag',
  'get_bus_tag',
  'new_pass',
  'suspend_child',
  'resume_child',
  'get_domain',
  'get_cpus',
  'get_property',
  'get_device_path',
];

const zero = (): number => 0;
const ok = { signature: 'i:pp', fn: zero };

/** PCI_INVALID_IRQ (sys/dev/pci/pcivar.h). */
const PCI_INVALID_IRQ = 255;

/**
 * The methods of the kernel's kobj interfaces: `device_probe_desc` and so on, each with what is called where a class has no such method
 * (DEFAULT in the .m files of 14; kobj_error_method where they name nothing).
 */
export class KobjInterfaces implements Subsystem {
  readonly exports = {};
  private readonly made = new Map<string, Ptr>();

  constructor(private readonly k: FreebsdKernel) {
    k.providers.push((name) => this.find(name));
  }

  private readonly defaults: Record<string, DefaultMethod> = {
    device_shutdown: { signature: 'i:p', fn: zero },
    device_suspend: { signature: 'i:p', fn: zero },
    device_resume: { signature: 'i:p', fn: zero },
    device_quiesce: { signature: 'i:p', fn: zero },
    device_register: { signature: 'p:p', fn: zero },
    bus_alloc_resource: { signature: 'p:ppipQQQu', fn: zero },
    bus_add_child: { signature: 'p:pupi', fn: () => this.k.panic('bus_add_child is not implemented') },
    bus_reset_post: ok,
    bus_reset_prepare: ok,
    acpi_id_probe: { signature: 'i:pppp', fn: () => ENXIO },
    cryptodev_freesession: { signature: 'v:pp', fn: () => undefined },
    g_part_precheck: { signature: 'i:pip', fn: zero },
    g_part_resize: { signature: 'i:ppp', fn: () => ENOSYS },
    g_part_recover: { signature: 'i:p', fn: () => ENOSYS },
    mmcbr_retune: { signature: 'i:ppb', fn: zero },
    mmcbr_switch_vccq: ok,
    mmcbr_tune: { signature: 'i:ppb', fn: zero },
    pci_msi_count: ok,
    pci_msix_count: ok,
    pci_msix_pba_bar: { signature: 'i:pp', fn: () => -1 },
    pci_msix_table_bar: { signature: 'i:pp', fn: () => -1 },
    pcib_route_interrupt: { signature: 'i:ppi', fn: () => PCI_INVALID_IRQ },
    serdev_ihand: { signature: 'p:pi', fn: zero },
    serdev_ipend: { signature: 'i:p', fn: () => -1 },
    serdev_sysdev: { signature: 'i:p', fn: zero },
  };

  /** Whoever has to call others for it says what a method's default is. */
  provide(methods: Readonly<Record<string, DefaultMethod>>): void {
    Object.assign(this.defaults, methods);
  }

  /** The kernel's struct kobjop_desc of a method: `device_probe`. */
  descOf(method: string): Ptr {
    return this.made.get(method) ?? this.make(method);
  }

  private find(name: string): Ptr | undefined {
    if (!name.endsWith('_desc')) return undefined;
    const method = name.slice(0, -'_desc'.length);
    const ours = INTERFACES.some((one) => method.startsWith(`${one}_`));
    return ours && this.k.target.exports.get(name)?.kind === 'data' ? this.descOf(method) : undefined;
  }

  private make(method: string): Ptr {
    const { k } = this;
    const type = k.struct('kobjop_desc');
    const at = k.variable(`${method}_desc`, type.size);
    this.made.set(method, at);
    type.set(at, 'deflt.desc', at);
    type.set(at, 'deflt.func', this.defaultOf(method));
    return at;
  }

  private defaultOf(method: string): Ptr {
    const { k } = this;
    if (method.startsWith('bus_') && BY_NAME.includes(method.slice(4)))
      return k.fn(`bus_generic_${method.slice(4)}`);
    const own = this.defaults[method];
    if (own) return k.exports.hostFunction(`default_${method}`, own.signature, own.fn);
    return k.fn('kobj_error_method');
  }
}
