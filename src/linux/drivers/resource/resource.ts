import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import { LOGLEVEL_WARNING } from '../../../kernel/log.js';
import {
  IORESOURCE_BUSY,
  IORESOURCE_EXT_TYPE_BITS,
  IORESOURCE_IO,
  IORESOURCE_MEM,
  IORESOURCE_TYPE_BITS,
} from '../../abi/ioport.js';
import { EBUSY, EINVAL } from '../../errno.js';
import type { Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import { IMAGE, RAM } from '../../memory-map.js';
import type { Subsystem } from '../../subsystem.js';
import { Devres } from '../base/devres.js';

/** Ports that a PC's chips have, whoever asks for them later (arch/x86/kernel/setup.c). */
const STANDARD_PORTS: readonly (readonly [start: number, end: number, name: string])[] = [
  [0x00, 0x1f, 'dma1'],
  [0x20, 0x21, 'pic1'],
  [0x40, 0x43, 'timer0'],
  [0x50, 0x53, 'timer1'],
  [0x60, 0x60, 'keyboard'],
  [0x64, 0x64, 'keyboard'],
  [0x80, 0x8f, 'dma page reg'],
  [0xa0, 0xa1, 'pic2'],
  [0xc0, 0xdf, 'dma2'],
  [0xf0, 0xff, 'fpu'],
];
const LAST_PORT = 0xffffn;
/** IORESOURCE_SYSRAM (include/linux/ioport.h). */
const IORESOURCE_SYSRAM = 0x0100_0000;

/** Ports and addresses and who has them: trees of struct resource (kernel/resource.c). */
export class Resources implements Subsystem {
  private readonly type: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.type = k.struct('resource');
  }

  readonly exports = {
    request_resource: (root: Ptr, resource: Ptr) => (this.request(root, resource) === 0 ? 0 : -EBUSY),
    release_resource: (resource: Ptr) => this.release(resource),
    insert_resource: (parent: Ptr, resource: Ptr) => (this.insert(parent, resource) === 0 ? 0 : -EBUSY),
    remove_resource: (resource: Ptr) => this.remove(resource),
    __request_region: (parent: Ptr, start: bigint, size: bigint, name: Ptr, flags: number) =>
      this.requestRegion(parent, start, size, name, flags),
    __release_region: (parent: Ptr, start: bigint, size: bigint) => this.releaseRegion(parent, start, size),
    devm_request_resource: (device: Ptr, root: Ptr, resource: Ptr) =>
      this.requestManaged(device, root, resource),
    devm_release_resource: (device: Ptr, resource: Ptr) => {
      if (this.k.get(Devres).takeHost(device, resource)) this.release(resource);
    },
    __devm_request_region: (device: Ptr, parent: Ptr, start: bigint, size: bigint, name: Ptr) =>
      this.requestManagedRegion(device, parent, start, size, name),
    __devm_release_region: (device: Ptr, parent: Ptr, start: bigint, size: bigint) =>
      this.releaseManagedRegion(device, parent, start, size),
    region_intersects: (start: bigint, size: bigint, flags: number, desc: number) =>
      this.intersects(start, size, flags, desc),
  };

  *holds(): Generator<Holding> {
    yield* this.heldBelow(this.k.symbol('ioport_resource'), 'I/O port region');
    yield* this.heldBelow(this.k.symbol('iomem_resource'), 'memory region');
  }

  private *heldBelow(parent: Ptr, kind: string): Generator<Holding> {
    for (const at of this.children(parent)) {
      const range = `${this.start(at).toString(16)}-${this.end(at).toString(16)}`;
      yield { kind, at, name: () => `${this.type.string(at, 'name')} (${range})` };
      yield* this.heldBelow(at, kind);
    }
  }

  readonly signatures = {
    region_intersects: 'i:QQLL',
    __request_region: 'p:pQQpi',
    __release_region: 'v:pQQ',
    __devm_request_region: 'p:ppQQp',
    __devm_release_region: 'v:ppQQ',
  };

  readonly data = {
    ioport_resource: (address: Ptr) => this.fill(address, 'PCI IO', 0n, LAST_PORT, IORESOURCE_IO),
    iomem_resource: (address: Ptr) => this.fill(address, 'PCI mem', 0n, (1n << 40n) - 1n, IORESOURCE_MEM),
  };

  boot(): void {
    const root = this.k.symbol('ioport_resource');
    for (const [start, end, name] of STANDARD_PORTS) {
      const resource = this.k.permanent(this.type.size);
      this.fill(resource, name, BigInt(start), BigInt(end), IORESOURCE_IO | IORESOURCE_BUSY);
      this.request(root, resource);
    }
    this.mapMemory();
  }

  /** What a PC's firmware says of its memory, and where in it the kernel is (e820__reserve_resources()). */
  private mapMemory(): void {
    const { k } = this;
    const root = k.symbol('iomem_resource');
    const add = (start: number, end: number, name: string, flags: number): void => {
      const resource = k.permanent(this.type.size);
      this.fill(resource, name, BigInt(start), BigInt(end), flags | IORESOURCE_BUSY);
      this.insert(root, resource);
    };
    const reserved = (start: number, end: number, name = 'Reserved'): void =>
      add(start, end, name, IORESOURCE_MEM);
    const ram = IORESOURCE_MEM | IORESOURCE_SYSRAM;
    reserved(0, 0xfff);
    add(0x1000, 0x9fbff, 'System RAM', ram);
    reserved(0x9fc00, 0x9ffff);
    reserved(0xf0000, 0xfffff, 'System ROM');
    // The regions of the address space are the machine's physical memory (cpu/layout.ts).
    for (const { start, size } of [IMAGE, RAM]) add(start, start + size - 1, 'System RAM', ram);
    const section = (name: string, from: string, to: string): void => {
      if (!k.hasSymbol(from) || !k.hasSymbol(to)) return;
      add(k.symbol(from), k.symbol(to) - 1, name, ram);
    };
    section('Kernel code', '_stext', '_etext');
    section('Kernel data', '_sdata', '_edata');
    section('Kernel bss', '__bss_start', '__bss_stop');
  }

  /** region_intersects(): whether a range is of a kind, wholly, partly or not at all; `desc` 0 stands for any. */
  private intersects(start: bigint, size: bigint, flags: number, desc: number): number {
    const { k, type } = this;
    const last = start + size - 1n;
    const within = this.children(k.symbol('iomem_resource')).filter(
      (at) => this.start(at) <= last && this.end(at) >= start,
    );
    const isOfKind = (at: Ptr): boolean =>
      (type.get(at, 'flags') & flags) === flags && (desc === 0 || type.get(at, 'desc') === desc);
    const matching = within.filter(isOfKind).length;
    if (matching === 0) return k.enumValue('REGION_DISJOINT');
    return k.enumValue(matching === within.length ? 'REGION_INTERSECTS' : 'REGION_MIXED');
  }

  /** The resources directly below one, in address order. */
  children(parent: Ptr): Ptr[] {
    const found: Ptr[] = [];
    let at = this.type.get(parent, 'child');
    for (; at !== 0 && this.k.space.canRead(at, this.type.size); at = this.type.get(at, 'sibling'))
      found.push(at);
    return found;
  }

  /** request_resource(): 0, or the resource that is in the way. */
  request(root: Ptr, resource: Ptr): Ptr {
    const start = this.start(resource);
    const end = this.end(resource);
    if (end < start || start < this.start(root) || end > this.end(root)) return root;
    let link = this.type.addr(root, 'child');
    for (;;) {
      const at = this.k.space.loadPtr(link);
      if (at === 0 || this.start(at) > end) {
        this.k.origins.note(resource);
        this.type.set(resource, 'sibling', at);
        this.k.space.storePtr(link, resource);
        this.type.set(resource, 'parent', root);
        return 0;
      }
      link = this.type.addr(at, 'sibling');
      if (this.end(at) < start) continue;
      return at;
    }
  }

  /** insert_resource(): as request, but goes below or above what is there if one contains the other. */
  insert(root: Ptr, resource: Ptr): Ptr {
    for (let parent = root; ; ) {
      const conflict = this.request(parent, resource);
      if (conflict === 0) return 0;
      if (conflict === parent || conflict === resource) return conflict;
      const contains = (outer: Ptr, inner: Ptr): boolean =>
        this.start(outer) <= this.start(inner) && this.end(outer) >= this.end(inner);
      const equal = contains(conflict, resource) && contains(resource, conflict);
      if (contains(conflict, resource) && !equal) {
        parent = conflict;
        continue;
      }
      return this.adopt(parent, resource, conflict);
    }
  }

  /** release_resource(): -EINVAL if it is not in its parent. */
  release(resource: Ptr): number {
    const link = this.linkTo(resource);
    if (link === 0) return -EINVAL;
    this.k.space.storePtr(link, this.type.get(resource, 'sibling'));
    this.type.set(resource, 'parent', 0);
    return 0;
  }

  /** request_region() and request_mem_region(): a new busy resource, or 0. */
  requestRegion(root: Ptr, start: bigint, size: bigint, name: Ptr, flags: number): Ptr {
    const { k, type } = this;
    const resource = k.slab.allocateBytes(type.size, true);
    if (resource === 0) return 0;
    type.set(resource, 'name', name);
    type.setBig(resource, 'start', start);
    type.setBig(resource, 'end', start + size - 1n);
    let parent = root;
    for (;;) {
      const inherited = type.get(parent, 'flags') & (IORESOURCE_TYPE_BITS | IORESOURCE_EXT_TYPE_BITS);
      type.set(resource, 'flags', (inherited | IORESOURCE_BUSY | flags) >>> 0);
      type.set(resource, 'desc', type.get(parent, 'desc'));
      const conflict = this.request(parent, resource);
      if (conflict === 0) return resource;
      if (conflict !== parent && (type.get(conflict, 'flags') & IORESOURCE_BUSY) === 0) {
        parent = conflict;
        continue;
      }
      k.slab.free(resource);
      return 0;
    }
  }

  /** release_region(): warns about what is not there. */
  releaseRegion(root: Ptr, start: bigint, size: bigint): void {
    const end = start + size - 1n;
    let parent = root;
    for (;;) {
      const inside = this.children(parent).find(
        (child) => this.start(child) <= start && this.end(child) >= end,
      );
      if (inside === undefined) break;
      if ((this.type.get(inside, 'flags') & IORESOURCE_BUSY) === 0) {
        parent = inside;
        continue;
      }
      if (this.start(inside) !== start || this.end(inside) !== end) break;
      this.release(inside);
      this.k.slab.free(inside);
      return;
    }
    const hex = (value: bigint): string => value.toString(16).padStart(16, '0');
    const range = `<0x${hex(start)}-0x${hex(end)}>`;
    this.k.log.line(`resource: Trying to free nonexistent resource ${range}`, LOGLEVEL_WARNING);
  }

  private adopt(parent: Ptr, resource: Ptr, first: Ptr): Ptr {
    const { type } = this;
    const end = this.end(resource);
    const inside: Ptr[] = [];
    for (let at = first; at !== 0 && this.start(at) <= end; at = type.get(at, 'sibling')) inside.push(at);
    const misfit = inside.find((at) => this.start(at) < this.start(resource) || this.end(at) > end);
    if (misfit !== undefined) return misfit;
    const link = this.linkTo(first);
    const last = inside[inside.length - 1];
    type.set(resource, 'parent', parent);
    type.set(resource, 'sibling', type.get(last, 'sibling'));
    type.set(resource, 'child', first);
    type.set(last, 'sibling', 0);
    for (const at of inside) type.set(at, 'parent', resource);
    this.k.space.storePtr(link, resource);
    return 0;
  }

  private remove(resource: Ptr): number {
    const { type } = this;
    const link = this.linkTo(resource);
    if (link === 0) return -EINVAL;
    const parent = type.get(resource, 'parent');
    const below = this.children(resource);
    const next = type.get(resource, 'sibling');
    this.k.space.storePtr(link, below[0] ?? next);
    if (below.length > 0) type.set(below[below.length - 1], 'sibling', next);
    for (const child of below) type.set(child, 'parent', parent);
    type.set(resource, 'parent', 0);
    return 0;
  }

  /** Where the pointer to a resource is; 0 if it is not in a tree. */
  private linkTo(resource: Ptr): Ptr {
    const parent = this.type.get(resource, 'parent');
    if (parent === 0) return 0;
    let link = this.type.addr(parent, 'child');
    for (let at = this.k.space.loadPtr(link); at !== 0; at = this.k.space.loadPtr(link)) {
      if (at === resource) return link;
      link = this.type.addr(at, 'sibling');
    }
    return 0;
  }

  private requestManaged(device: Ptr, root: Ptr, resource: Ptr): number {
    if (this.request(root, resource) !== 0) return -EBUSY;
    this.k.get(Devres).addHost(device, resource, (_device, data) => void this.release(data));
    return 0;
  }

  /** devm_request_region() and devm_request_mem_region(). */
  requestManagedRegion(device: Ptr, parent: Ptr, start: bigint, size: bigint, name: Ptr): Ptr {
    const resource = this.requestRegion(parent, start, size, name, 0);
    if (resource !== 0)
      this.k.get(Devres).addHost(device, resource, () => this.releaseRegion(parent, start, size));
    return resource;
  }

  /** devm_release_region() */
  releaseManagedRegion(device: Ptr, parent: Ptr, start: bigint, size: bigint): void {
    const fits = (at: Ptr): boolean => this.start(at) === start && this.end(at) === start + size - 1n;
    const found = this.below(parent).find(fits);
    if (found !== undefined) this.k.get(Devres).takeHost(device, found);
    this.releaseRegion(parent, start, size);
  }

  private below(parent: Ptr): Ptr[] {
    return this.children(parent).flatMap((at) => [at, ...this.below(at)]);
  }

  private fill(resource: Ptr, name: string, start: bigint, end: bigint, flags: number): void {
    const { type } = this;
    type.set(resource, 'name', this.k.constantString(name));
    type.setBig(resource, 'start', start);
    type.setBig(resource, 'end', end);
    type.set(resource, 'flags', flags >>> 0);
  }

  private start(resource: Ptr): bigint {
    return this.type.getBig(resource, 'start');
  }

  private end(resource: Ptr): bigint {
    return this.type.getBig(resource, 'end');
  }
}
