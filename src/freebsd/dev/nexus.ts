import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL, ENOENT, ENXIO } from '../errno.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { BusGeneric } from './bus-generic.js';
import { BusTree } from './bus-tree.js';
import type { Device } from './device.js';
import { DeviceAttach } from './device-attach.js';
import { Interrupts } from './interrupts.js';
import { fillClass, type KernelClass } from './kernel-class.js';
import { Kobj } from './kobj.js';
import { DeviceMemory } from './mapdev.js';
import { RF_ACTIVE, RF_SHAREABLE, RF_UNMAPPED, RM_MAX_END } from './regions.js';
import { ResourceLists } from './resource-list.js';
import { ResourceManagers } from './rman.js';

/** SYS_RES_* (x86/include/resource.h). */
const SYS_RES_IRQ = 1;
const SYS_RES_DRQ = 2;
const SYS_RES_MEMORY = 3;
const SYS_RES_IOPORT = 4;
/** X86_BUS_SPACE_IO and X86_BUS_SPACE_MEM (x86/include/bus.h). */
const BUS_SPACE_IO = 0n;
const BUS_SPACE_MEM = 1n;
/** Interrupts of a PC with one I/O APIC. */
const IRQS = 24n;
/** NUM_MSI_INTS: interrupts by message (x86/include/intr_machdep.h). */
const MSI_IRQS = 2048;
/** Bytes that physical addresses reach (cpu_getmaxphyaddr() of a processor with 40 bits). */
const PHYSICAL_END = (1n << 40n) - 1n;
/** struct resource_list: two pointers. */
const LIST_BYTES = 16;

/** What the machine's resources are given out by: nexus0, below which all buses are (sys/x86/x86/nexus.c). */
export class Nexus implements Subsystem {
  readonly exports = {};
  // Interrupts by message come behind those of the I/O APIC (sys/x86/x86/intr_machdep.c).
  readonly data = {
    num_io_irqs: (at: Ptr) => this.k.space.store32(at, Number(IRQS)),
    first_msi_irq: (at: Ptr) => this.k.space.store32(at, Number(IRQS)),
    num_msi_irqs: (at: Ptr) => this.k.space.store32(at, MSI_IRQS),
  };

  private readonly managers = new Map<number, Ptr>();

  constructor(private readonly k: FreebsdKernel) {}

  /** nexus0's resource managers: interrupts, DMA channels, ports, memory. */
  initResources(): void {
    const rman = this.k.get(ResourceManagers);
    const own: readonly (readonly [number, string, string, bigint])[] = [
      [SYS_RES_IRQ, 'irq_rman', 'Interrupt request lines', IRQS - 1n],
      [SYS_RES_DRQ, 'drq_rman', 'DMA request lines', 7n],
      [SYS_RES_IOPORT, 'port_rman', 'I/O ports', 0xffffn],
      [SYS_RES_MEMORY, 'mem_rman', 'I/O memory addresses', PHYSICAL_END],
    ];
    for (const [type, name, description, end] of own)
      this.managers.set(type, rman.make({ name, description, start: 0n, end }));
  }

  /** The class of nexus0. Ranges are 64 bits wide, exactly. */
  get class(): KernelClass {
    return {
      name: 'nexus',
      size: 1,
      methods: {
        device_probe: (dev: Ptr) => {
          this.k.get(BusTree).at(dev).quiet = true;
          return this.k.macro('BUS_PROBE_GENERIC');
        },
        device_attach: (dev: Ptr) => this.attach(this.k.get(BusTree).at(dev)),
        device_detach: 'bus_generic_detach',
        device_shutdown: 'bus_generic_shutdown',
        device_suspend: 'bus_generic_suspend',
        device_resume: 'bus_generic_resume',
        bus_print_child: (_bus: Ptr, child: Ptr) => this.printChild(this.k.get(BusTree).at(child)),
        bus_add_child: (bus: Ptr, order: number, name: Ptr, unit: number) =>
          this.addChild(bus, order, name, unit),
        bus_alloc_resource: (
          bus: Ptr,
          child: Ptr,
          type: number,
          rid: Ptr,
          start: bigint,
          end: bigint,
          count: bigint,
          flags: number,
        ) => this.alloc(bus, child, type, rid, start, end, count, flags),
        bus_adjust_resource: (
          _bus: Ptr,
          _child: Ptr,
          type: number,
          resource: Ptr,
          start: bigint,
          end: bigint,
        ) => this.adjust(type, resource, start, end),
        bus_release_resource: (_bus: Ptr, child: Ptr, type: number, rid: number, resource: Ptr) =>
          this.release(child, type, rid, resource),
        bus_activate_resource: (_bus: Ptr, _child: Ptr, type: number, _rid: number, resource: Ptr) =>
          this.activate(type, resource),
        bus_deactivate_resource: (_bus: Ptr, _child: Ptr, type: number, _rid: number, resource: Ptr) =>
          this.deactivate(type, resource),
        bus_map_resource: (_bus: Ptr, _child: Ptr, type: number, resource: Ptr, request: Ptr, map: Ptr) =>
          this.map(type, resource, request, map),
        bus_unmap_resource: (_bus: Ptr, _child: Ptr, type: number, _resource: Ptr, map: Ptr) =>
          this.unmap(type, map),
        bus_setup_intr: (
          _bus: Ptr,
          child: Ptr,
          irq: Ptr,
          flags: number,
          filter: Ptr,
          handler: Ptr,
          arg: Ptr,
          cookie: Ptr,
        ) => this.setupIntr(child, irq, flags, filter, handler, arg, cookie),
        bus_teardown_intr: (_bus: Ptr, _child: Ptr, irq: Ptr, cookie: Ptr) => this.teardownIntr(irq, cookie),
        bus_suspend_intr: (_bus: Ptr, _child: Ptr, irq: Ptr) =>
          this.k.get(Interrupts).exports.intr_event_suspend_handler(this.cookieOf(irq)),
        bus_resume_intr: (_bus: Ptr, _child: Ptr, irq: Ptr) =>
          this.k.get(Interrupts).exports.intr_event_resume_handler(this.cookieOf(irq)),
        bus_bind_intr: () => 0,
        bus_config_intr: (_bus: Ptr, irq: number) => (BigInt(irq) < IRQS ? 0 : EINVAL),
        bus_describe_intr: (_bus: Ptr, _child: Ptr, _irq: Ptr, cookie: Ptr, text: Ptr) =>
          this.k.get(Interrupts).describe(cookie, this.k.space.cstring(text)),
        bus_get_resource_list: (_bus: Ptr, child: Ptr) => this.listOf(child),
        bus_set_resource: (_bus: Ptr, child: Ptr, type: number, rid: number, start: bigint, count: bigint) =>
          this.setResource(child, type, rid, start, count),
        bus_get_resource: (_bus: Ptr, child: Ptr, type: number, rid: number, start: Ptr, count: Ptr) =>
          this.getResource(child, type, rid, start, count),
        bus_delete_resource: (_bus: Ptr, child: Ptr, type: number, rid: number) =>
          this.k.get(ResourceLists).delete(this.listOf(child), type, rid),
      },
      signatures: {
        bus_alloc_resource: 'p:ppipQQQu',
        bus_adjust_resource: 'i:ppipQQ',
        bus_set_resource: 'i:ppiiQQ',
      },
    };
  }

  private *attach(bus: Device): Sleepable<number> {
    const generic = this.k.get(BusGeneric);
    yield* generic.exports.bus_generic_probe(bus.at);
    yield* generic.attach(bus);
    return 0;
  }

  private printChild(child: Device): number {
    const { k } = this;
    const lists = k.get(ResourceLists);
    const print = (text: string): number => k.get(SubrPrf).print(text);
    let length = k.get(BusGeneric).printHeader(child);
    const list = this.listOf(child.at);
    if (list !== 0 && [...lists.entries(list)].length > 0) {
      length += print(' at');
      length += lists.printType(list, 'port', SYS_RES_IOPORT, '%#jx');
      length += lists.printType(list, 'iomem', SYS_RES_MEMORY, '%#jx');
      length += lists.printType(list, 'irq', SYS_RES_IRQ, '%jd');
    }
    if (child.devflags !== 0) length += print(` flags 0x${child.devflags.toString(16)}`);
    return length + print('\n');
  }

  private *addChild(bus: Ptr, order: number, name: Ptr, unit: number): Sleepable<Ptr> {
    const { k } = this;
    const child = yield* k.get(DeviceAttach).exports.device_add_child_ordered(bus, order, name, unit);
    if (child === 0) return 0;
    // struct nexus_device: nobody ever frees it.
    const list = k.permanent(LIST_BYTES);
    k.get(ResourceLists).init(list);
    k.get(BusTree).at(child).ivars = k.space.toAddress(list);
    return child;
  }

  /** The list of resources of a child that was added with BUS_ADD_CHILD; 0 for others. */
  private listOf(child: Ptr): Ptr {
    const { ivars } = this.k.get(BusTree).at(child);
    return ivars === 0n ? 0 : this.k.space.fromAddress(ivars);
  }

  private *alloc(
    bus: Ptr,
    child: Ptr,
    type: number,
    ridPlace: Ptr,
    start: bigint,
    end: bigint,
    count: bigint,
    flags: number,
  ): Sleepable<Ptr> {
    const { k } = this;
    const rid = k.space.loadInt32(ridPlace);
    let range = { start, end, count };
    if (start === 0n && end === RM_MAX_END && count === 1n) {
      const known = k.get(BusTree).parentOf(child) === bus ? this.listed(child, type, rid) : undefined;
      if (!known) return 0;
      range = known;
    }
    const manager = this.managers.get(type);
    if (manager === undefined) return 0;
    const rman = k.get(ResourceManagers);
    const own = flags & ~RF_ACTIVE;
    const resource = rman.reserve(manager, range.start, range.end, range.count, 0n, own, child);
    if (resource === 0) return 0;
    rman.of(resource).rid = rid;
    if ((flags & RF_ACTIVE) === 0) return resource;
    const parent = k.get(BusTree).parentOf(child);
    const error = yield* k.get(Kobj).call(parent, 'bus_activate_resource', child, type, rid, resource);
    if (error === 0) return resource;
    rman.release(resource);
    return 0;
  }

  private listed(
    child: Ptr,
    type: number,
    rid: number,
  ): { readonly start: bigint; readonly end: bigint; readonly count: bigint } | undefined {
    const list = this.listOf(child);
    const entry = list === 0 ? 0 : this.k.get(ResourceLists).find(list, type, rid);
    if (entry === 0) return undefined;
    const own = this.k.struct('resource_list_entry');
    return {
      start: own.getBig(entry, 'start'),
      end: own.getBig(entry, 'end'),
      count: own.getBig(entry, 'count'),
    };
  }

  private adjust(type: number, resource: Ptr, start: bigint, end: bigint): number {
    const manager = this.managers.get(type);
    if (manager === undefined) return ENXIO;
    const rman = this.k.get(ResourceManagers);
    if (rman.exports.rman_is_region_manager(resource, manager) === 0) return EINVAL;
    return rman.adjust(resource, start, end);
  }

  private *release(child: Ptr, type: number, rid: number, resource: Ptr): Sleepable<number> {
    const { k } = this;
    const rman = k.get(ResourceManagers);
    if (rman.of(resource).flags & RF_ACTIVE) {
      const parent = k.get(BusTree).parentOf(child);
      const error = yield* k.get(Kobj).call(parent, 'bus_deactivate_resource', child, type, rid, resource);
      if (error !== 0) return error;
    }
    return rman.release(resource);
  }

  private isMapped(type: number, resource: Ptr): boolean {
    const { flags } = this.k.get(ResourceManagers).of(resource);
    return (flags & RF_UNMAPPED) === 0 && (type === SYS_RES_MEMORY || type === SYS_RES_IOPORT);
  }

  private activate(type: number, resource: Ptr): number {
    const { k } = this;
    const rman = k.get(ResourceManagers);
    rman.activate(resource);
    if (!this.isMapped(type, resource)) return 0;
    const { start, end } = rman.of(resource).region;
    const { virtual, tag, handle } = this.reach(type, start, end - start + 1n);
    rman.of(resource).virtual = virtual;
    rman.exports.rman_set_bustag(resource, tag);
    rman.exports.rman_set_bushandle(resource, handle);
    return 0;
  }

  private deactivate(type: number, resource: Ptr): number {
    const rman = this.k.get(ResourceManagers);
    rman.deactivate(resource);
    if (this.isMapped(type, resource) && type === SYS_RES_MEMORY)
      this.k.get(DeviceMemory).unmap(rman.of(resource).virtual);
    return 0;
  }

  /** Where a range of ports or of memory can be reached: the address of its first port, or memory of the kernel's. */
  private reach(type: number, start: bigint, length: bigint) {
    const { k } = this;
    if (type === SYS_RES_IOPORT) return { virtual: 0, tag: BUS_SPACE_IO, handle: start };
    const virtual = k.get(DeviceMemory).map(start, Number(length));
    return { virtual, tag: BUS_SPACE_MEM, handle: k.space.toAddress(virtual) };
  }

  /** Maps a part of a resource: bus_map_resource(9). */
  private map(type: number, resource: Ptr, request: Ptr, map: Ptr): number {
    const { k } = this;
    const owner = k.get(ResourceManagers).of(resource);
    if ((owner.flags & RF_ACTIVE) === 0) return ENXIO;
    if (type !== SYS_RES_IOPORT && type !== SYS_RES_MEMORY) return EINVAL;
    const asked = k.struct('resource_map_request');
    const [offset, wanted] =
      request === 0 ? [0n, 0n] : [asked.getBig(request, 'offset'), asked.getBig(request, 'length')];
    const { region } = owner;
    const start = region.start + offset;
    const length = wanted === 0n ? region.end - region.start + 1n : wanted;
    const end = start + length - 1n;
    if (start > region.end || start < region.start || end > region.end || end < start) return EINVAL;
    const own = k.struct('resource_map');
    const { virtual, tag, handle } = this.reach(type, start, length);
    own.setBig(map, 'r_size', length);
    own.set(map, 'r_vaddr', virtual);
    own.setBig(map, 'r_bustag', tag);
    own.setBig(map, 'r_bushandle', handle);
    return 0;
  }

  private unmap(type: number, map: Ptr): number {
    const { k } = this;
    if (type !== SYS_RES_MEMORY && type !== SYS_RES_IOPORT) return EINVAL;
    const own = k.struct('resource_map');
    if (type === SYS_RES_MEMORY) k.get(DeviceMemory).unmap(own.get(map, 'r_vaddr'));
    return 0;
  }

  private setupIntr(
    child: Ptr,
    irq: Ptr,
    flags: number,
    filter: Ptr,
    handler: Ptr,
    arg: Ptr,
    cookie: Ptr,
  ): number {
    const { k } = this;
    if (irq === 0) k.panic('nexus_setup_intr: NULL irq resource!');
    k.space.storePtr(cookie, 0);
    const rman = k.get(ResourceManagers);
    const owner = rman.of(irq);
    const exclusive = (owner.flags & RF_SHAREABLE) === 0 ? k.enumValue('INTR_EXCL') : 0;
    rman.activate(irq);
    const own = {
      name: k.get(BusTree).at(child).nameunit,
      filter,
      handler,
      arg,
      priority: k.macro('PI_INTR'),
      flags: flags | exclusive,
    };
    const error = k.get(Interrupts).addLine(Number(owner.region.start), own, cookie);
    if (error === 0) owner.irqCookie = k.space.loadPtr(cookie);
    return error;
  }

  private *teardownIntr(irq: Ptr, cookie: Ptr): Sleepable<number> {
    const error = yield* this.k.get(Interrupts).removeLine(cookie);
    if (error === 0) this.k.get(ResourceManagers).of(irq).irqCookie = 0;
    return error;
  }

  private cookieOf(irq: Ptr): Ptr {
    return this.k.get(ResourceManagers).of(irq).irqCookie;
  }

  private setResource(child: Ptr, type: number, rid: number, start: bigint, count: bigint): number {
    this.k.get(ResourceLists).add(this.listOf(child), type, rid, start, start + count - 1n, count);
    return 0;
  }

  private getResource(child: Ptr, type: number, rid: number, start: Ptr, count: Ptr): number {
    const known = this.listed(child, type, rid);
    if (!known) return ENOENT;
    if (start !== 0) this.k.space.store64(start, known.start);
    if (count !== 0) this.k.space.store64(count, known.count);
    return 0;
  }

  /** Fills nexus0's class. */
  fill(at: Ptr): void {
    fillClass(this.k, at, this.class);
  }
}
