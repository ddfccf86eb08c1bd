import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { DMA_32BIT } from '../../abi/dma.js';
import { IORESOURCE_IO, IORESOURCE_MEM, resourceType } from '../../abi/ioport.js';
import { EBUSY, EINVAL, ENOMEM } from '../../errno.js';
import { errPtr, isErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import { freeConst } from '../../kobject/names.js';
import { sprintf } from '../../lib/vsprintf/vsprintf.js';
import { deviceName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { Devices } from '../base/core.js';
import { putDevice } from '../base/device.js';
import { SoftwareNodes } from '../firmware/software-node.js';
import { Resources } from '../resource/resource.js';
import { PlatformBus } from './platform-bus.js';

/** Ids of platform devices that are not numbers (include/linux/platform_device.h). */
const ID_NONE = -1;
const ID_AUTO = -2;

/** Platform devices: made by whoever knows that they are there (drivers/base/platform.c). */
export class PlatformDevices implements Subsystem {
  private readonly autoIds = new Set<number>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    platform_device_alloc: (name: Ptr, id: number) => this.allocate(this.k.space.cstring(name), id),
    platform_device_add_resources: (pdev: Ptr, resources: Ptr, count: number) =>
      this.addResources(pdev, resources, count),
    platform_device_add_data: (pdev: Ptr, data: Ptr, size: number) => this.addData(pdev, data, size),
    platform_device_add: (pdev: Ptr) => this.add(pdev),
    platform_device_del: (pdev: Ptr) => this.del(pdev),
    platform_device_put: (pdev: Ptr) => this.put(pdev),
    platform_device_register: (pdev: Ptr) => this.register(pdev),
    platform_device_unregister: (pdev: Ptr) => this.unregister(pdev),
    platform_device_register_full: (info: Ptr) => this.registerFull(info),
    platform_add_devices: (devices: Ptr, count: number) => this.addAll(devices, count),
  };

  /** platform_device_alloc(). */
  allocate(name: string, id: number): Ptr {
    const { k } = this;
    const type = k.struct('platform_object');
    const pa = k.slab.allocateBytes(type.size + name.length + 1, true);
    if (pa === 0) return 0;
    const text = type.addr(pa, 'name');
    k.space.storeCstring(text, name);
    const pdev = type.addr(pa, 'pdev');
    const device = k.struct('platform_device');
    device.set(pdev, 'name', text);
    device.set(pdev, 'id', id);
    k.get(Devices).initialize(device.addr(pdev, 'dev'));
    device.bind(pdev, 'dev.release', 'platform_device_release', (dev: Ptr) => this.release(dev));
    this.setMasks(pdev);
    return pdev;
  }

  /** platform_device_add_resources(): keeps a copy. */
  addResources(pdev: Ptr, resources: Ptr, count: number): number {
    const { k } = this;
    const type = k.struct('platform_device');
    let copy: Ptr = 0;
    if (resources !== 0 && count > 0) {
      const bytes = count * k.sizeOf('resource');
      copy = k.slab.allocateBytes(bytes, false);
      if (copy === 0) return -ENOMEM;
      k.space.writable(copy, bytes).set(k.space.readable(resources, bytes));
    }
    freeConst(k, type.get(pdev, 'resource'));
    type.set(pdev, 'resource', copy);
    type.set(pdev, 'num_resources', count);
    return 0;
  }

  /** platform_device_add_data(): keeps a copy as dev->platform_data. */
  addData(pdev: Ptr, data: Ptr, size: number): number {
    const { k } = this;
    const type = k.struct('platform_device');
    let copy: Ptr = 0;
    if (data !== 0 && size > 0) {
      copy = k.slab.allocateBytes(size, false);
      if (copy === 0) return -ENOMEM;
      k.space.writable(copy, size).set(k.space.readable(data, size));
    }
    freeConst(k, type.get(pdev, 'dev.platform_data'));
    type.set(pdev, 'dev.platform_data', copy);
    return 0;
  }

  /** platform_device_add(): names it, claims its resources, adds it to the bus. */
  *add(pdev: Ptr): Sleepable<number> {
    const { k } = this;
    if (pdev === 0) return -EINVAL;
    const type = k.struct('platform_device');
    const device = type.addr(pdev, 'dev');
    const platform = k.get(PlatformBus);
    if (type.get(pdev, 'dev.parent') === 0) type.set(pdev, 'dev.parent', platform.root);
    type.set(pdev, 'dev.bus', platform.bus);
    this.name(pdev, device);
    let error = this.claim(pdev, device);
    if (error === 0) {
      error = yield* k.get(Devices).add(device);
      if (error === 0) return 0;
      this.unclaim(pdev);
    }
    this.dropId(pdev);
    return error;
  }

  /** platform_device_del(). */
  *del(pdev: Ptr): Sleepable<void> {
    if (pdev === 0 || isErr(pdev)) return;
    yield* this.k.get(Devices).del(this.k.struct('platform_device').addr(pdev, 'dev'));
    this.dropId(pdev);
    this.unclaim(pdev);
  }

  /** platform_device_put(). */
  *put(pdev: Ptr): Sleepable<void> {
    if (pdev === 0 || isErr(pdev)) return;
    yield* putDevice(this.k, this.k.struct('platform_device').addr(pdev, 'dev'));
  }

  /** platform_device_register(). */
  *register(pdev: Ptr): Sleepable<number> {
    this.k.get(Devices).initialize(this.k.struct('platform_device').addr(pdev, 'dev'));
    this.setMasks(pdev);
    return yield* this.add(pdev);
  }

  *unregister(pdev: Ptr): Sleepable<void> {
    yield* this.del(pdev);
    yield* this.put(pdev);
  }

  /** platform_device_register_full(): from a struct platform_device_info; the device or an ERR_PTR. */
  *registerFull(info: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('platform_device_info');
    const device = k.struct('platform_device');
    const pdev = this.allocate(type.string(info, 'name'), type.get(info, 'id'));
    if (pdev === 0) return errPtr(ENOMEM);
    device.set(pdev, 'dev.parent', type.get(info, 'parent'));
    device.set(pdev, 'dev.fwnode', type.get(info, 'fwnode'));
    const mask = type.getBig(info, 'dma_mask');
    if (mask !== 0n) {
      device.setBig(pdev, 'platform_dma_mask', mask);
      device.set(pdev, 'dev.dma_mask', device.addr(pdev, 'platform_dma_mask'));
      device.setBig(pdev, 'dev.coherent_dma_mask', mask);
    }
    let error =
      this.addResources(pdev, type.get(info, 'res'), type.get(info, 'num_res')) ||
      this.addData(pdev, type.get(info, 'data'), type.get(info, 'size_data'));
    const properties = type.get(info, 'properties');
    if (error === 0 && properties !== 0)
      error = k.get(SoftwareNodes).attachProperties(device.addr(pdev, 'dev'), properties);
    if (error === 0) error = yield* this.add(pdev);
    if (error === 0) return pdev;
    yield* this.put(pdev);
    return errPtr(-error);
  }

  private *addAll(devices: Ptr, count: number): Sleepable<number> {
    const { space } = this.k;
    for (let i = 0; i < count; i++) {
      const error = yield* this.register(space.loadPtr(devices + i * 8));
      if (error === 0) continue;
      for (let done = i - 1; done >= 0; done--) yield* this.unregister(space.loadPtr(devices + done * 8));
      return error;
    }
    return 0;
  }

  private setMasks(pdev: Ptr): void {
    const type = this.k.struct('platform_device');
    type.set(pdev, 'dev.dma_parms', type.addr(pdev, 'dma_parms'));
    if (type.getBig(pdev, 'dev.coherent_dma_mask') === 0n)
      type.setBig(pdev, 'dev.coherent_dma_mask', DMA_32BIT);
    if (type.has('dma_parms')) type.set(pdev, 'dev.dma_parms', type.addr(pdev, 'dma_parms'));
    if (type.get(pdev, 'dev.dma_mask') !== 0) return;
    type.setBig(pdev, 'platform_dma_mask', DMA_32BIT);
    type.set(pdev, 'dev.dma_mask', type.addr(pdev, 'platform_dma_mask'));
  }

  private name(pdev: Ptr, device: Ptr): void {
    const { k } = this;
    const type = k.struct('platform_device');
    const name = type.string(pdev, 'name');
    const id = type.get(pdev, 'id');
    if (id === ID_NONE) k.get(Devices).setName(device, name);
    else if (id === ID_AUTO) {
      let free = 0;
      while (this.autoIds.has(free)) free++;
      this.autoIds.add(free);
      type.set(pdev, 'id', free);
      type.set(pdev, 'id_auto', 1);
      k.get(Devices).setName(device, `${name}.${free}.auto`);
    } else k.get(Devices).setName(device, `${name}.${id}`);
  }

  private dropId(pdev: Ptr): void {
    const type = this.k.struct('platform_device');
    if (!type.get(pdev, 'id_auto')) return;
    this.autoIds.delete(type.get(pdev, 'id'));
    type.set(pdev, 'id', ID_AUTO);
  }

  private resources(pdev: Ptr): Ptr[] {
    const type = this.k.struct('platform_device');
    const first = type.get(pdev, 'resource');
    const size = this.k.sizeOf('resource');
    return Array.from({ length: type.get(pdev, 'num_resources') }, (_, i) => first + i * size);
  }

  private claim(pdev: Ptr, device: Ptr): number {
    const { k } = this;
    const type = k.struct('resource');
    const list = this.resources(pdev);
    for (const [index, resource] of list.entries()) {
      if (type.get(resource, 'name') === 0)
        type.set(resource, 'name', k.struct('device').get(device, 'kobj.name'));
      const kind = resourceType(type.get(resource, 'flags'));
      const parent =
        type.get(resource, 'parent') ||
        (kind === IORESOURCE_MEM ? k.symbol('iomem_resource') : 0) ||
        (kind === IORESOURCE_IO ? k.symbol('ioport_resource') : 0);
      if (parent === 0 || k.get(Resources).insert(parent, resource) === 0) continue;
      const shown = sprintf(k, '%pR', k.space.toAddress(resource));
      k.log.line(
        `platform ${deviceName(k, device)}: failed to claim resource ${index}: ${shown}`,
        LOGLEVEL_ERR,
      );
      for (const done of list.slice(0, index).reverse())
        if (type.get(done, 'parent') !== 0) k.get(Resources).release(done);
      return -EBUSY;
    }
    return 0;
  }

  private unclaim(pdev: Ptr): void {
    const type = this.k.struct('resource');
    for (const resource of this.resources(pdev))
      if (type.get(resource, 'parent') !== 0) this.k.get(Resources).release(resource);
  }

  private release(dev: Ptr): void {
    const { k } = this;
    const type = k.struct('platform_device');
    const pdev = type.of(dev, 'dev');
    for (const member of ['dev.platform_data', 'mfd_cell', 'resource']) freeConst(k, type.get(pdev, member));
    if (type.has('driver_override')) freeConst(k, type.get(pdev, 'driver_override'));
    k.slab.free(k.struct('platform_object').of(pdev, 'pdev'));
  }
}
