import type { Ptr } from '../../../cpu/layout.js';
import { constant, partly } from '../../../kernel/abi/fidelity.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { IORESOURCE_MEM, resourceType } from '../../abi/ioport.js';
import { EBUSY, EINVAL, ENOMEM } from '../../errno.js';
import { errPtr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import { sprintf } from '../../lib/vsprintf/vsprintf.js';
import { Ioremap } from '../../mm/ioremap.js';
import { deviceName } from '../../printk/device-names.js';
import { DevicePrintk } from '../../printk/device-printk.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { Resources } from '../resource/resource.js';
import { Devres } from './devres.js';

const KINDS = 'memory types of mappings are not kept';

/** Mappings of device memory that go when a device's driver does (lib/devres.c), and memory types for them. */
export class ManagedMappings implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    devm_ioremap: (device: Ptr, start: number, size: number) => this.map(device, start, size),
    devm_ioremap_uc: (device: Ptr, start: number, size: number) => this.map(device, start, size),
    devm_ioremap_wc: (device: Ptr, start: number, size: number) => this.map(device, start, size),
    devm_iounmap: (device: Ptr, address: Ptr) => this.unmap(device, address),
    devm_ioremap_resource: (device: Ptr, resource: Ptr) => this.mapResource(device, resource),
    devm_ioremap_resource_wc: (device: Ptr, resource: Ptr) => this.mapResource(device, resource),
    // With page attributes nothing has to be done in the registers for ranges of memory (MTRR).
    arch_phys_wc_add: constant(0),
    arch_phys_wc_del: constant(undefined),
    devm_arch_phys_wc_add: constant(0),
    arch_io_reserve_memtype_wc: partly(KINDS, constant(0)),
    arch_io_free_memtype_wc: partly(KINDS, constant(undefined)),
    devm_arch_io_reserve_memtype_wc: partly(KINDS, constant(0)),
  };

  /** devm_ioremap() */
  map(device: Ptr, start: number, size: number): Ptr {
    const { k } = this;
    const address = k.get(Ioremap).map(start, size);
    if (address !== 0) k.get(Devres).addHost(device, address, (_device, data) => k.get(Ioremap).unmap(data));
    return address;
  }

  /** devm_ioremap_resource(): the region is the driver's alone; an address or an ERR_PTR. */
  mapResource(device: Ptr, resource: Ptr): Ptr {
    const { k } = this;
    const type = k.struct('resource');
    const shown = sprintf(k, '%pR', k.space.toAddress(resource));
    if (resource === 0 || resourceType(type.get(resource, 'flags')) !== IORESOURCE_MEM) {
      this.complain(device, `invalid resource ${shown}`);
      return errPtr(EINVAL);
    }
    const start = type.getBig(resource, 'start');
    const size = type.getBig(resource, 'end') - start + 1n;
    const own = type.string(resource, 'name');
    const name = k.get(Devres).string(device, [deviceName(k, device), own].filter(Boolean).join(' '));
    const root = k.symbol('iomem_resource');
    if (name === 0) return errPtr(ENOMEM);
    if (k.get(Resources).requestManagedRegion(device, root, start, size, name) === 0) {
      this.complain(device, `can't request region for resource ${shown}`);
      return errPtr(EBUSY);
    }
    const address = this.map(device, Number(start), Number(size));
    if (address !== 0) return address;
    this.complain(device, `ioremap failed for resource ${shown}`);
    k.get(Resources).releaseManagedRegion(device, root, start, size);
    return errPtr(ENOMEM);
  }

  private complain(device: Ptr, text: string): void {
    this.k.get(DevicePrintk).device(device, LOGLEVEL_ERR, `${text}\n`);
  }

  private unmap(device: Ptr, address: Ptr): void {
    const { k } = this;
    if (!k.get(Devres).takeHost(device, address)) warn(k, '', 'lib/devres.c', 'devm_iounmap');
    k.get(Ioremap).unmap(address);
  }
}
