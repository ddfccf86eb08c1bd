import type { Ptr } from '../../../cpu/layout.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { IORESOURCE_IO, IORESOURCE_IRQ, IORESOURCE_MEM, resourceType } from '../../abi/ioport.js';
import { EINVAL, ENXIO } from '../../errno.js';
import { IrqDescs } from '../../irq/irq-desc.js';
import type { LinuxKernel } from '../../kernel.js';
import { DevicePrintk } from '../../printk/device-printk.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { ManagedMappings } from '../base/ioremap-devres.js';

/** IORESOURCE_BITS: what is particular to a kind of resource; an interrupt's trigger. */
const OWN_BITS = 0xff;
const TRIGGER_BITS = 0xf;

/** What a platform device has: registers, ports, interrupts (drivers/base/platform.c). */
export class PlatformResources implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    platform_get_resource: (pdev: Ptr, kind: number, index: number) => this.get(pdev, kind, index),
    platform_get_mem_or_io: (pdev: Ptr, index: number) => this.memoryOrPorts(pdev, index),
    platform_get_resource_byname: (pdev: Ptr, kind: number, name: Ptr) => this.named(pdev, kind, name),
    platform_get_irq: (pdev: Ptr, index: number) => this.irq(pdev, index),
    platform_get_irq_optional: (pdev: Ptr, index: number) => this.optionalIrq(pdev, index),
    platform_get_irq_byname: (pdev: Ptr, name: Ptr) => this.namedIrq(pdev, name, true),
    platform_get_irq_byname_optional: (pdev: Ptr, name: Ptr) => this.namedIrq(pdev, name, false),
    platform_irq_count: (pdev: Ptr) => this.countIrqs(pdev),
    devm_platform_ioremap_resource: (pdev: Ptr, index: number) => this.map(pdev, index, 0),
    devm_platform_get_and_ioremap_resource: (pdev: Ptr, index: number, slot: Ptr) =>
      this.map(pdev, index, slot),
    devm_platform_ioremap_resource_byname: (pdev: Ptr, name: Ptr) =>
      this.mapOf(pdev, this.named(pdev, IORESOURCE_MEM, name)),
  };

  private all(pdev: Ptr): readonly Ptr[] {
    const type = this.k.struct('platform_device');
    const first = type.get(pdev, 'resource');
    const size = this.k.sizeOf('resource');
    return Array.from({ length: type.get(pdev, 'num_resources') }, (_, i) => first + i * size);
  }

  private flagsOf(resource: Ptr): number {
    return this.k.struct('resource').get(resource, 'flags');
  }

  /** platform_get_resource(): the resource of a kind, counted from 0; 0 if there are not that many. */
  private get(pdev: Ptr, kind: number, index: number): Ptr {
    return this.all(pdev).filter((at) => resourceType(this.flagsOf(at)) === kind)[index] ?? 0;
  }

  private memoryOrPorts(pdev: Ptr, index: number): Ptr {
    const either = this.all(pdev).filter((at) => (this.flagsOf(at) & (IORESOURCE_MEM | IORESOURCE_IO)) !== 0);
    return either[index] ?? 0;
  }

  private named(pdev: Ptr, kind: number, name: Ptr): Ptr {
    const type = this.k.struct('resource');
    const wanted = this.k.space.cstring(name);
    const fits = (at: Ptr): boolean =>
      type.get(at, 'name') !== 0 &&
      resourceType(this.flagsOf(at)) === kind &&
      type.string(at, 'name') === wanted;
    return this.all(pdev).find(fits) ?? 0;
  }

  private irq(pdev: Ptr, index: number): number {
    const irq = this.optionalIrq(pdev, index);
    if (irq < 0) this.complain(pdev, `error -ENXIO: IRQ index ${index} not found`);
    return irq;
  }

  /** platform_get_irq_optional(): its trigger is as the resource has it. */
  private optionalIrq(pdev: Ptr, index: number): number {
    const { k } = this;
    const resource = this.get(pdev, IORESOURCE_IRQ, index);
    if (resource === 0) return -ENXIO;
    const irq = k.struct('resource').get(resource, 'start');
    if ((this.flagsOf(resource) & OWN_BITS) !== 0) {
      const desc = k.get(IrqDescs).of(irq);
      if (desc === 0) return -ENXIO;
      const path = 'irq_common_data.state_use_accessors';
      const state = k.struct('irq_desc').get(desc, path) & ~TRIGGER_BITS;
      k.struct('irq_desc').set(desc, path, (state | (this.flagsOf(resource) & TRIGGER_BITS)) >>> 0);
    }
    return this.valid(irq, 'platform_get_irq_optional');
  }

  private namedIrq(pdev: Ptr, name: Ptr, wanted: boolean): number {
    const resource = this.named(pdev, IORESOURCE_IRQ, name);
    if (resource !== 0)
      return this.valid(this.k.struct('resource').get(resource, 'start'), '__platform_get_irq_byname');
    if (wanted) this.complain(pdev, `error -ENXIO: IRQ ${this.k.space.cstring(name)} not found`);
    return -ENXIO;
  }

  private valid(irq: number, fn: string): number {
    if (irq !== 0) return irq;
    warn(this.k, '0 is an invalid IRQ number', 'drivers/base/platform.c', fn);
    return -EINVAL;
  }

  private countIrqs(pdev: Ptr): number {
    let count = 0;
    while (this.optionalIrq(pdev, count) >= 0) count++;
    return count;
  }

  private map(pdev: Ptr, index: number, slot: Ptr): Ptr {
    const resource = this.get(pdev, IORESOURCE_MEM, index);
    if (slot !== 0) this.k.space.storePtr(slot, resource);
    return this.mapOf(pdev, resource);
  }

  private mapOf(pdev: Ptr, resource: Ptr): Ptr {
    const device = this.k.struct('platform_device').addr(pdev, 'dev');
    return this.k.get(ManagedMappings).mapResource(device, resource);
  }

  private complain(pdev: Ptr, text: string): void {
    const device = this.k.struct('platform_device').addr(pdev, 'dev');
    this.k.get(DevicePrintk).device(device, LOGLEVEL_ERR, `${text}\n`);
  }
}
