import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EEXIST, ENOENT, ENOMEM } from '../errno.js';
import { Malloc } from '../kern/malloc.js';
import { PRIMASK, SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { BusTree } from './bus-tree.js';
import type { Device } from './device.js';

/** What drivers ask and say of a device: device_get_softc(9), device_set_desc(9), device_printf(9) and so on. */
export class Devices implements Subsystem {
  private readonly tree: BusTree;

  constructor(private readonly k: FreebsdKernel) {
    this.tree = k.get(BusTree);
  }

  readonly exports = {
    device_get_parent: (dev: Ptr) => this.tree.parentOf(dev),
    device_get_children: (dev: Ptr, list: Ptr, count: Ptr) => this.children(this.tree.at(dev), list, count),
    device_get_driver: (dev: Ptr) => this.tree.at(dev).driver,
    device_get_devclass: (dev: Ptr) => this.tree.at(dev).devclass?.handle ?? 0,
    device_get_name: (dev: Ptr) => this.nameOf(dev),
    device_get_nameunit: (dev: Ptr) => this.tree.nameAt(this.tree.at(dev)),
    device_get_unit: (dev: Ptr) => this.tree.at(dev).unit,
    device_get_desc: (dev: Ptr) => this.tree.at(dev).desc,
    device_get_flags: (dev: Ptr) => this.tree.at(dev).devflags,
    device_set_flags: (dev: Ptr, flags: number) => {
      this.tree.at(dev).devflags = flags;
    },
    device_get_softc: (dev: Ptr) => this.tree.at(dev).softc,
    device_set_softc: (dev: Ptr, softc: Ptr) => this.setSoftc(this.tree.at(dev), softc),
    device_free_softc: (softc: Ptr) => this.k.get(Malloc).free(softc, this.tree.softcType),
    device_claim_softc: (dev: Ptr) => {
      const device = this.tree.at(dev);
      device.externalSoftc = device.softc !== 0;
    },
    device_get_ivars: (dev: Ptr) => this.tree.at(dev).ivars,
    device_set_ivars: (dev: Ptr, ivars: bigint) => {
      this.tree.at(dev).ivars = ivars;
    },
    device_get_state: (dev: Ptr) => this.tree.at(dev).state,
    device_enable: (dev: Ptr) => {
      this.tree.at(dev).enabled = true;
    },
    device_disable: (dev: Ptr) => {
      this.tree.at(dev).enabled = false;
    },
    device_quiet: (dev: Ptr) => {
      this.tree.at(dev).quiet = true;
    },
    device_quiet_children: (dev: Ptr) => {
      this.tree.at(dev).quietChildren = true;
    },
    device_verbose: (dev: Ptr) => {
      this.tree.at(dev).quiet = false;
    },
    device_has_quiet_children: (dev: Ptr) => Number(this.tree.at(dev).quietChildren),
    device_is_quiet: (dev: Ptr) => Number(this.tree.at(dev).quiet),
    device_is_enabled: (dev: Ptr) => Number(this.tree.at(dev).enabled),
    device_is_alive: (dev: Ptr) => Number(this.tree.at(dev).isAlive),
    device_is_attached: (dev: Ptr) => Number(this.tree.at(dev).isAttached),
    device_is_suspended: (dev: Ptr) => Number(this.tree.at(dev).suspended),
    device_is_devclass_fixed: (dev: Ptr) => this.tree.at(dev).fixedClass,
    device_set_desc: (dev: Ptr, text: Ptr) => this.setDesc(this.tree.at(dev), text),
    device_set_desc_copy: (dev: Ptr, text: Ptr) =>
      this.copyDesc(this.tree.at(dev), text === 0 ? undefined : this.k.space.cstring(text)),
    device_set_descf: (dev: Ptr, format: Ptr, args: VarArgs) =>
      this.copyDesc(this.tree.at(dev), this.k.get(SubrPrf).text(format, args)),
    device_printf: (dev: Ptr, format: Ptr, args: VarArgs) =>
      this.tree.print(this.tree.at(dev), this.k.get(SubrPrf).text(format, args)),
    device_log: (dev: Ptr, priority: number, format: Ptr, args: VarArgs) =>
      this.log(this.tree.at(dev), priority, this.k.get(SubrPrf).text(format, args)),
    device_print_prettyname: (dev: Ptr) => this.tree.print(this.tree.at(dev), ''),
    device_lookup_by_name: (name: Ptr) => this.tree.byName(this.k.space.cstring(name))?.at ?? 0,
    device_find_child: (dev: Ptr, name: Ptr, unit: number) =>
      this.findChild(this.tree.at(dev), name === 0 ? '' : this.k.space.cstring(name), unit)?.at ?? 0,
    device_busy: (dev: Ptr) => this.busy(this.tree.at(dev)),
    device_unbusy: (dev: Ptr) => this.unbusy(this.tree.at(dev)),
    device_set_prop: (dev: Ptr, name: Ptr, value: Ptr, destructor: Ptr, context: Ptr) => {
      const { properties } = this.tree.at(dev);
      const key = this.k.space.cstring(name);
      const known = properties.has(key);
      properties.set(key, { value, destructor, context });
      return known ? EEXIST : 0;
    },
    device_get_prop: (dev: Ptr, name: Ptr, place: Ptr) => {
      const found = this.tree.at(dev).properties.get(this.k.space.cstring(name));
      if (!found) return ENOENT;
      this.k.space.storePtr(place, found.value);
      return 0;
    },
    device_clear_prop: (dev: Ptr, name: Ptr) => this.clearProperty(dev, this.k.space.cstring(name)),
    device_clear_prop_alldev: (name: Ptr) => this.clearEverywhere(this.k.space.cstring(name)),
  };

  readonly signatures = { device_get_ivars: 'Q:p', device_set_ivars: 'v:pQ' };

  private nameOf(dev: Ptr): Ptr {
    if (dev === 0) return 0;
    const { name } = this.tree.at(dev);
    return name === undefined ? 0 : this.k.constantString(name);
  }

  /** The caller frees the list with M_TEMP. */
  children({ children }: Device, list: Ptr, count: Ptr): number {
    return this.giveList(
      children.map(({ at }) => at),
      list,
      count,
    );
  }

  /** Pointers in memory of type M_TEMP; none for an empty list. */
  giveList(pointers: readonly Ptr[], list: Ptr, count: Ptr): number {
    const { k } = this;
    let at = 0;
    if (pointers.length > 0) {
      at = k
        .get(Malloc)
        .malloc(8 * pointers.length, k.variable('M_TEMP'), k.macro('M_NOWAIT') | k.macro('M_ZERO'));
      if (at === 0) return ENOMEM;
    }
    for (const [i, pointer] of pointers.entries()) k.space.storePtr(at + 8 * i, pointer);
    k.space.storePtr(list, at);
    k.space.store32(count, pointers.length);
    return 0;
  }

  setSoftc(device: Device, softc: Ptr): void {
    if (device.softc !== 0 && !device.externalSoftc)
      this.k.get(Malloc).free(device.softc, this.tree.softcType);
    device.softc = softc;
    device.externalSoftc = softc !== 0;
  }

  setDesc(device: Device, text: Ptr): void {
    if (device.ownsDesc) this.k.get(Malloc).free(device.desc, this.tree.busType);
    device.ownsDesc = false;
    device.desc = text;
  }

  private copyDesc(device: Device, text: string | undefined): void {
    const { k } = this;
    if (text === undefined) {
      this.setDesc(device, 0);
      return;
    }
    const copy = k.get(Malloc).malloc(text.length + 1, this.tree.busType, k.macro('M_NOWAIT'));
    if (copy !== 0) k.space.storeCstring(copy, text);
    this.setDesc(device, copy);
    device.ownsDesc = copy !== 0;
  }

  private log(device: Device, priority: number, text: string): number {
    const line = `${device.name === undefined ? 'unknown' : device.nameunit}: ${text}`;
    this.k.log.write(line, priority & PRIMASK);
    return line.length;
  }

  /** The child of that class; any unit of it for -1. */
  findChild(bus: Device, name: string, unit: number): Device | undefined {
    const devclass = this.tree.classes.get(name);
    if (!devclass) return undefined;
    const units = unit === -1 ? devclass.list : [devclass.devices[unit]];
    return units.find((device) => device?.parent === bus);
  }

  /** A device that is in use keeps the buses above it in use. */
  private busy(device: Device): void {
    if (device.busy++ === 0 && device.parent) this.busy(device.parent);
  }

  private unbusy(device: Device): void {
    if (device.busy === 0) this.k.panic(`device_unbusy: called for non-busy device ${device.nameunit}`);
    if (--device.busy === 0 && device.parent) this.unbusy(device.parent);
  }

  private *clearProperty(dev: Ptr, name: string): Sleepable<number> {
    const { properties } = this.tree.at(dev);
    const found = properties.get(name);
    if (!found) return ENOENT;
    properties.delete(name);
    const { destructor, value, context } = found;
    if (destructor !== 0)
      yield* this.k.callAs('v:pppp', destructor, dev, this.k.constantString(name), value, context);
    return 0;
  }

  private *clearEverywhere(name: string): Sleepable<void> {
    for (const { at, properties } of this.tree.all)
      if (properties.has(name)) yield* this.clearProperty(at, name);
  }
}
