import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EBUSY, EINVAL, ENOENT, ENXIO } from '../errno.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { BusTree } from './bus-tree.js';
import { type Device, DS_ATTACHED, DS_NOTPRESENT } from './device.js';
import { DeviceAttach } from './device-attach.js';
import { Hints } from './hints.js';
import { Kobj } from './kobj.js';
import { KobjInterfaces } from './kobj-interfaces.js';
import { withScratch } from './scratch.js';

/** What most buses do with their children: bus_generic_attach(9) and its kin (sys/kern/subr_bus.c). */
export class BusGeneric implements Subsystem {
  private readonly tree: BusTree;
  private readonly kobj: Kobj;
  private readonly devices: DeviceAttach;

  constructor(private readonly k: FreebsdKernel) {
    this.tree = k.get(BusTree);
    this.kobj = k.get(Kobj);
    this.devices = k.get(DeviceAttach);
    k.get(KobjInterfaces).provide({
      bus_remap_intr: {
        signature: 'i:ppu',
        fn: (_bus: Ptr, device: Ptr, irq: number) => this.remapIntr(device, irq),
      },
      bus_translate_resource: {
        signature: 'i:piQp',
        fn: (bus: Ptr, type: number, start: bigint, result: Ptr) => this.translate(bus, type, start, result),
      },
    });
  }

  readonly exports = {
    bus_generic_probe: (dev: Ptr) => this.probe(this.tree.at(dev)),
    bus_generic_attach: (dev: Ptr) => this.attach(this.tree.at(dev)),
    bus_generic_detach: (dev: Ptr) => this.detach(this.tree.at(dev)),
    bus_generic_shutdown: (dev: Ptr) => this.shutdown(this.tree.at(dev)),
    bus_generic_suspend: (dev: Ptr) => this.suspend(this.tree.at(dev)),
    bus_generic_resume: (dev: Ptr) => this.resume(this.tree.at(dev)),
    bus_generic_suspend_child: (_dev: Ptr, child: Ptr) => this.suspendChild(this.tree.at(child)),
    bus_generic_resume_child: (_dev: Ptr, child: Ptr) => this.resumeChild(this.tree.at(child)),
    bus_generic_add_child: (dev: Ptr, order: number, name: Ptr, unit: number) =>
      this.devices.exports.device_add_child_ordered(dev, order, name, unit),
    bus_generic_driver_added: (dev: Ptr, driver: Ptr) => this.driverAdded(this.tree.at(dev), driver),
    bus_generic_new_pass: (dev: Ptr) => this.newPass(this.tree.at(dev)),
    bus_generic_print_child: (dev: Ptr, child: Ptr) =>
      this.printChild(this.tree.at(dev), this.tree.at(child)),
    bus_print_child_header: (_dev: Ptr, child: Ptr) => this.printHeader(this.tree.at(child)),
    bus_print_child_domain: (dev: Ptr, child: Ptr) => this.printDomain(dev, child),
    bus_print_child_footer: (dev: Ptr, _child: Ptr) => this.printFooter(this.tree.at(dev)),
    bus_generic_read_ivar: () => ENOENT,
    bus_generic_write_ivar: () => ENOENT,
    bus_generic_get_resource_list: () => 0,
    bus_generic_child_location: () => 0,
    bus_generic_child_pnpinfo: () => 0,
    bus_generic_child_present: (dev: Ptr, _child: Ptr) => this.upward(dev, 'bus_child_present', dev),
    bus_generic_get_domain: (dev: Ptr, _child: Ptr, place: Ptr) =>
      this.upward(dev, 'bus_get_domain', dev, place),
    bus_generic_get_property: (dev: Ptr, child: Ptr, name: Ptr, value: Ptr, size: number, type: number) =>
      this.upwardOr(-1, dev, 'bus_get_property', child, name, value, size, type),
    bus_generic_get_device_path: (dev: Ptr, child: Ptr, locator: Ptr, sbuf: Ptr) =>
      this.upwardOr(EINVAL, dev, 'bus_get_device_path', child, locator, sbuf),
    bus_helper_reset_prepare: (dev: Ptr, flags: number) => this.resetPrepare(this.tree.at(dev), flags),
    bus_helper_reset_post: (dev: Ptr, flags: number) => this.resetPost(this.tree.at(dev), flags),
    bus_null_rescan: () => 0,
    bus_enumerate_hinted_children: (bus: Ptr) => this.hintedChildren(this.tree.at(bus)),
    bus_set_pass: () => {},
    // There is one set of devices for ever: Giant is what the tree is locked with.
    bus_topo_assert: () => {},
    bus_data_generation_check: (generation: number) => Number(generation !== this.generation),
    bus_data_generation_update: () => {
      this.generation++;
    },
  };

  private generation = 1;

  /** The bus above is asked instead: `otherwise` where there is none. */
  private *upwardOr(
    otherwise: number,
    dev: Ptr,
    method: string,
    ...args: (number | bigint)[]
  ): Sleepable<number> {
    const parent = this.tree.parentOf(dev);
    return parent === 0 ? otherwise : yield* this.kobj.call(parent, method, ...args);
  }

  private upward(dev: Ptr, method: string, ...args: number[]): Sleepable<number> {
    return this.upwardOr(method === 'bus_child_present' ? -1 : ENOENT, dev, method, ...args);
  }

  private *remapIntr(device: Ptr, irq: number): Sleepable<number> {
    return device === 0 ? ENXIO : yield* this.kobj.call(device, 'bus_remap_intr', 0, irq);
  }

  private *translate(bus: Ptr, type: number, start: bigint, result: Ptr): Sleepable<number> {
    const parent = this.tree.parentOf(bus);
    if (parent !== 0) return yield* this.kobj.call(parent, 'bus_translate_resource', type, start, result);
    this.k.space.store64(result, start);
    return 0;
  }

  /** Lets the drivers of the bus look for devices that nobody else finds: device_identify. */
  private *probe(bus: Device): Sleepable<number> {
    for (const { driver } of bus.devclass?.drivers.all ?? [])
      yield* this.kobj.callOf(driver, 'device_identify', driver, bus.at);
    return 0;
  }

  *attach(bus: Device): Sleepable<number> {
    for (const child of [...bus.children]) yield* this.devices.probeAndAttach(child);
    return 0;
  }

  private *detach(bus: Device): Sleepable<number> {
    if (bus.state !== DS_ATTACHED) return EBUSY;
    for (const child of [...bus.children].reverse()) {
      const error = yield* this.devices.detach(child);
      if (error !== 0) return error;
    }
    return 0;
  }

  private *shutdown(bus: Device): Sleepable<number> {
    for (const child of [...bus.children].reverse()) yield* this.devices.shutdown(child);
    return 0;
  }

  /** Where a child does not let itself be suspended, those that were are resumed. */
  private *suspend(bus: Device): Sleepable<number> {
    const children = [...bus.children];
    for (let i = children.length - 1; i >= 0; i--) {
      const error = yield* this.kobj.call(bus.at, 'bus_suspend_child', children[i].at);
      if (error === 0) continue;
      for (const child of children.slice(i + 1)) yield* this.kobj.call(bus.at, 'bus_resume_child', child.at);
      return error;
    }
    return 0;
  }

  private *resume(bus: Device): Sleepable<number> {
    for (const child of [...bus.children]) yield* this.kobj.call(bus.at, 'bus_resume_child', child.at);
    return 0;
  }

  private *suspendChild(child: Device): Sleepable<number> {
    const error = yield* this.kobj.call(child.at, 'device_suspend');
    if (error === 0) child.suspended = true;
    return error;
  }

  private *resumeChild(child: Device): Sleepable<number> {
    yield* this.kobj.call(child.at, 'device_resume');
    child.suspended = false;
    return 0;
  }

  private *driverAdded(bus: Device, driver: Ptr): Sleepable<void> {
    yield* this.kobj.callOf(driver, 'device_identify', driver, bus.at);
    for (const child of [...bus.children])
      if (child.state === DS_NOTPRESENT) yield* this.devices.probeAndAttach(child);
  }

  private *newPass(bus: Device): Sleepable<void> {
    for (const child of [...bus.children])
      if (child.isAttached) yield* this.kobj.call(child.at, 'bus_new_pass');
      else if (child.state === DS_NOTPRESENT) yield* this.devices.probeAndAttach(child);
  }

  *printChild(bus: Device, child: Device): Sleepable<number> {
    let length = this.printHeader(child);
    length += yield* this.printDomain(bus.at, child.at);
    return length + this.printFooter(bus);
  }

  printHeader(child: Device): number {
    if (child.desc === 0) return this.k.get(SubrPrf).print(child.nameunit);
    return this.tree.print(child, `<${this.k.space.cstring(child.desc)}>`);
  }

  private printFooter(bus: Device): number {
    return this.k.get(SubrPrf).print(` on ${bus.nameunit}\n`);
  }

  private *printDomain(bus: Ptr, child: Ptr): Sleepable<number> {
    const { k, kobj } = this;
    return yield* withScratch(k, 4, function* (place) {
      if ((yield* kobj.call(bus, 'bus_get_domain', child, place)) !== 0) return 0;
      return k.get(SubrPrf).print(` numa-domain ${k.space.loadInt32(place)}`);
    });
  }

  /** Children that device.hints(5) puts on the bus, by its name and unit, then by its name. */
  private *hintedChildren(bus: Device): Sleepable<void> {
    for (const where of [bus.nameunit, bus.name ?? ''])
      for (const { name, unit } of this.k.get(Hints).devicesWith('at', where))
        yield* this.kobj.call(bus.at, 'bus_hinted_child', this.k.constantString(name), unit);
  }

  private *resetPrepare(bus: Device, flags: number): Sleepable<number> {
    if (bus.state !== DS_ATTACHED) return EBUSY;
    const children = [...bus.children].reverse();
    for (const [i, child] of children.entries()) {
      const error = yield* this.prepareChild(bus, child, flags);
      if (error === 0) continue;
      for (const other of children.slice(0, i).reverse()) yield* this.afterReset(bus, other, flags);
      return error;
    }
    return 0;
  }

  private *prepareChild(bus: Device, child: Device, flags: number): Sleepable<number> {
    const stopped = this.detaches(flags)
      ? yield* this.devices.detach(child)
      : yield* this.kobj.call(bus.at, 'bus_suspend_child', child.at);
    if (stopped !== 0) return stopped;
    const error = yield* this.kobj.call(bus.at, 'bus_reset_prepare', child.at);
    if (error !== 0) yield* this.startAgain(bus, child, flags);
    return error;
  }

  private detaches(flags: number): boolean {
    return (flags & this.k.macro('DEVF_RESET_DETACH')) !== 0;
  }

  private startAgain(bus: Device, child: Device, flags: number): Sleepable<number> {
    if (this.detaches(flags)) return this.devices.probeAndAttach(child);
    return this.kobj.call(bus.at, 'bus_resume_child', child.at);
  }

  private *afterReset(bus: Device, child: Device, flags: number): Sleepable<number> {
    yield* this.kobj.call(bus.at, 'bus_reset_post', child.at);
    return yield* this.startAgain(bus, child, flags);
  }

  private *resetPost(bus: Device, flags: number): Sleepable<number> {
    let first = 0;
    for (const child of [...bus.children]) {
      const error = yield* this.afterReset(bus, child, flags);
      if (first === 0) first = error;
    }
    return first;
  }
}
