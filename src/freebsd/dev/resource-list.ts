import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EBUSY, EINVAL } from '../errno.js';
import { kvprintf } from '../kern/format.js';
import { Malloc } from '../kern/malloc.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { BusTree } from './bus-tree.js';
import { Kobj } from './kobj.js';
import { RF_ACTIVE, RM_MAX_END } from './regions.js';
import { ResourceManagers } from './rman.js';

/** Lists of the resources of a device that its bus keeps (resource_list_*() of sys/kern/subr_bus.c): in guest memory, a STAILQ. */
export class ResourceLists implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    resource_list_init: (list: Ptr) => this.init(list),
    resource_list_free: (list: Ptr) => this.free(list),
    resource_list_add: (list: Ptr, type: number, rid: number, start: bigint, end: bigint, count: bigint) =>
      this.add(list, type, rid, start, end, count),
    resource_list_add_next: (list: Ptr, type: number, start: bigint, end: bigint, count: bigint) => {
      let rid = 0;
      while (this.find(list, type, rid) !== 0) rid++;
      this.add(list, type, rid, start, end, count);
      return rid;
    },
    resource_list_find: (list: Ptr, type: number, rid: number) => this.find(list, type, rid),
    resource_list_busy: (list: Ptr, type: number, rid: number) => this.isBusy(list, type, rid),
    resource_list_reserved: (list: Ptr, type: number, rid: number) =>
      Number((this.flagsOf(this.find(list, type, rid)) & this.k.macro('RLE_RESERVED')) !== 0),
    resource_list_delete: (list: Ptr, type: number, rid: number) => this.delete(list, type, rid),
    resource_list_alloc: (
      list: Ptr,
      bus: Ptr,
      child: Ptr,
      type: number,
      rid: Ptr,
      start: bigint,
      end: bigint,
      count: bigint,
      flags: number,
    ) => this.alloc({ list, bus, child, type, rid, start, end, count, flags }),
    resource_list_release: (list: Ptr, bus: Ptr, child: Ptr, type: number, rid: number, resource: Ptr) =>
      this.release(list, bus, child, type, rid, resource),
    resource_list_release_active: (list: Ptr, bus: Ptr, child: Ptr, type: number) =>
      this.releaseActive(list, bus, child, type),
    resource_list_reserve: (
      list: Ptr,
      bus: Ptr,
      child: Ptr,
      type: number,
      rid: Ptr,
      start: bigint,
      end: bigint,
      count: bigint,
      flags: number,
    ) => this.reserve({ list, bus, child, type, rid, start, end, count, flags }),
    resource_list_unreserve: (list: Ptr, bus: Ptr, child: Ptr, type: number, rid: number) =>
      this.unreserve(list, bus, child, type, rid),
    resource_list_purge: (list: Ptr) => this.purge(list),
    resource_list_print_type: (list: Ptr, name: Ptr, type: number, format: Ptr) =>
      this.printType(list, this.k.space.cstring(name), type, this.k.space.cstring(format)),
  };

  readonly signatures = {
    resource_list_add: 'p:piiQQQ',
    resource_list_add_next: 'i:piQQQ',
    resource_list_alloc: 'p:pppipQQQu',
    resource_list_reserve: 'p:pppipQQQu',
  };

  private get type() {
    return this.k.struct('resource_list_entry');
  }

  init(list: Ptr): void {
    this.k.space.storePtr(list, 0);
    this.k.space.storePtr(list + 8, list);
  }

  *entries(list: Ptr): Generator<Ptr> {
    for (let entry = this.k.space.loadPtr(list); entry !== 0; ) {
      const next = this.type.get(entry, 'link.stqe_next');
      yield entry;
      entry = next;
    }
  }

  private append(list: Ptr, entry: Ptr): void {
    const { space } = this.k;
    this.type.set(entry, 'link.stqe_next', 0);
    space.storePtr(space.loadPtr(list + 8), entry);
    space.storePtr(list + 8, this.type.addr(entry, 'link'));
  }

  private unlink(list: Ptr, entry: Ptr): void {
    const all = [...this.entries(list)].filter((other) => other !== entry);
    this.init(list);
    for (const other of all) this.append(list, other);
    this.k.get(Malloc).free(entry, this.k.get(BusTree).busType);
  }

  free(list: Ptr): void {
    for (const entry of [...this.entries(list)]) {
      if (this.type.get(entry, 'res') !== 0) this.k.panic('resource_list_free: resource entry is busy');
      this.unlink(list, entry);
    }
  }

  /** Adds an entry, or gives the one that is there another range. */
  add(list: Ptr, type: number, rid: number, start: bigint, end: bigint, count: bigint): Ptr {
    const { k } = this;
    let entry = this.find(list, type, rid);
    if (entry === 0) {
      const flags = k.macro('M_NOWAIT') | k.macro('M_ZERO');
      entry = k.get(Malloc).malloc(this.type.size, k.get(BusTree).busType, flags);
      if (entry === 0) k.panic("resource_list_add: can't record entry");
      this.append(list, entry);
      this.type.set(entry, 'type', type);
      this.type.set(entry, 'rid', rid);
    }
    if (this.type.get(entry, 'res') !== 0) k.panic('resource_list_add: resource entry is busy');
    this.type.setBig(entry, 'start', start);
    this.type.setBig(entry, 'end', end);
    this.type.setBig(entry, 'count', count);
    return entry;
  }

  find(list: Ptr, type: number, rid: number): Ptr {
    for (const entry of this.entries(list))
      if (this.type.get(entry, 'type') === type && this.type.get(entry, 'rid') === rid) return entry;
    return 0;
  }

  private flagsOf(entry: Ptr): number {
    return entry === 0 ? 0 : this.type.get(entry, 'flags');
  }

  private isBusy(list: Ptr, type: number, rid: number): number {
    const entry = this.find(list, type, rid);
    if (entry === 0 || this.type.get(entry, 'res') === 0) return 0;
    const { k } = this;
    const reserved = k.macro('RLE_RESERVED');
    const only = (this.flagsOf(entry) & (reserved | k.macro('RLE_ALLOCATED'))) === reserved;
    return Number(!only);
  }

  delete(list: Ptr, type: number, rid: number): void {
    const entry = this.find(list, type, rid);
    if (entry === 0) return;
    if (this.type.get(entry, 'res') !== 0)
      this.k.panic('resource_list_delete: resource has not been released');
    this.unlink(list, entry);
  }

  /** The range that a list has for what is asked for by default; what was asked for otherwise. */
  private range(entry: Ptr, ask: Ask): Pick<Ask, 'start' | 'end' | 'count'> {
    if (!isDefault(ask)) return ask;
    const start = this.type.getBig(entry, 'start');
    const own = this.type.getBig(entry, 'count');
    const count = larger(own, ask.count);
    const end = this.type.getBig(entry, 'end');
    const last = start + count - 1n;
    return { start, count, end: larger(end, last) };
  }

  /** A grandchild's request goes on to the bus above; a child's is served from its list. */
  *alloc(ask: Ask): Sleepable<Ptr> {
    const { k } = this;
    const tree = k.get(BusTree);
    if (tree.parentOf(ask.child) !== ask.bus) return yield* this.above(ask, ask);
    const rid = k.space.loadInt32(ask.rid);
    const entry = this.find(ask.list, ask.type, rid);
    if (entry === 0) return 0;
    const known = this.type.get(entry, 'res');
    if (known !== 0) {
      if ((this.flagsOf(entry) & k.macro('RLE_RESERVED')) === 0)
        k.panic('resource_list_alloc: resource entry is busy');
      if (this.flagsOf(entry) & k.macro('RLE_ALLOCATED')) return 0;
      return yield* this.takeReserved(ask, entry, known, rid);
    }
    const resource = yield* this.above(ask, this.range(entry, ask));
    if (resource !== 0) this.keep(entry, resource);
    return resource;
  }

  private *takeReserved(ask: Ask, entry: Ptr, resource: Ptr, rid: number): Sleepable<Ptr> {
    const { k } = this;
    if (ask.flags & RF_ACTIVE) {
      const activate = 'bus_activate_resource';
      const error = yield* k.get(Kobj).call(ask.bus, activate, ask.child, ask.type, rid, resource);
      if (error !== 0) return 0;
    }
    this.type.set(entry, 'flags', this.flagsOf(entry) | k.macro('RLE_ALLOCATED'));
    return resource;
  }

  private keep(entry: Ptr, resource: Ptr): void {
    const { region } = this.k.get(ResourceManagers).of(resource);
    this.type.set(entry, 'res', resource);
    this.type.setBig(entry, 'start', region.start);
    this.type.setBig(entry, 'end', region.end);
    this.type.setBig(entry, 'count', region.end - region.start + 1n);
  }

  private *above(ask: Ask, { start, end, count }: Pick<Ask, 'start' | 'end' | 'count'>): Sleepable<Ptr> {
    const parent = this.k.get(BusTree).parentOf(ask.bus);
    if (parent === 0) return 0;
    return yield* this.k
      .get(Kobj)
      .call(parent, 'bus_alloc_resource', ask.child, ask.type, ask.rid, start, end, count, ask.flags);
  }

  private *release(
    list: Ptr,
    bus: Ptr,
    child: Ptr,
    type: number,
    rid: number,
    resource: Ptr,
  ): Sleepable<number> {
    const { k } = this;
    const kobj = k.get(Kobj);
    const tree = k.get(BusTree);
    const parent = tree.parentOf(bus);
    if (tree.parentOf(child) !== bus)
      return yield* kobj.call(parent, 'bus_release_resource', child, type, rid, resource);
    const entry = this.find(list, type, rid);
    if (entry === 0) k.panic("resource_list_release: can't find resource");
    if (this.type.get(entry, 'res') === 0) k.panic('resource_list_release: resource entry is not busy');
    if (this.flagsOf(entry) & k.macro('RLE_RESERVED')) {
      if ((this.flagsOf(entry) & k.macro('RLE_ALLOCATED')) === 0) return EINVAL;
      if (k.get(ResourceManagers).of(resource).flags & RF_ACTIVE) {
        const error = yield* kobj.call(bus, 'bus_deactivate_resource', child, type, rid, resource);
        if (error !== 0) return error;
      }
      this.type.set(entry, 'flags', this.flagsOf(entry) & ~k.macro('RLE_ALLOCATED'));
      return 0;
    }
    const error = yield* kobj.call(parent, 'bus_release_resource', child, type, rid, resource);
    if (error === 0) this.type.set(entry, 'res', 0);
    return error;
  }

  /** What a driver that is gone did not give back. */
  private *releaseActive(list: Ptr, bus: Ptr, child: Ptr, type: number): Sleepable<number> {
    const { k } = this;
    const [reserved, allocated] = [k.macro('RLE_RESERVED'), k.macro('RLE_ALLOCATED')];
    let result = 0;
    for (const entry of [...this.entries(list)]) {
      const resource = this.type.get(entry, 'res');
      if (this.type.get(entry, 'type') !== type || resource === 0) continue;
      if ((this.flagsOf(entry) & (reserved | allocated)) === reserved) continue;
      const rid = this.type.get(entry, 'rid');
      const error = yield* this.release(list, bus, child, type, rid, resource);
      if (error !== 0) {
        const text = `Failed to release active resource: ${error}\n`;
        k.get(BusTree).print(k.get(BusTree).at(bus), text);
      }
      result = EBUSY;
    }
    return result;
  }

  private *reserve(ask: Ask): Sleepable<Ptr> {
    const { k } = this;
    if (ask.flags & RF_ACTIVE) k.panic('resource_list_reserve() should only reserve inactive resources');
    const resource = yield* this.alloc(ask);
    if (resource === 0) return 0;
    const entry = this.find(ask.list, ask.type, k.space.loadInt32(ask.rid));
    this.type.set(entry, 'flags', this.flagsOf(entry) | k.macro('RLE_RESERVED'));
    return resource;
  }

  private *unreserve(list: Ptr, bus: Ptr, child: Ptr, type: number, rid: number): Sleepable<number> {
    const { k } = this;
    const entry = this.find(list, type, rid);
    if (entry === 0) k.panic("resource_list_unreserve: can't find resource");
    const flags = this.flagsOf(entry);
    if ((flags & k.macro('RLE_RESERVED')) === 0) return EINVAL;
    if (flags & k.macro('RLE_ALLOCATED')) return EBUSY;
    this.type.set(entry, 'flags', flags & ~k.macro('RLE_RESERVED'));
    return yield* this.release(list, bus, child, type, rid, this.type.get(entry, 'res'));
  }

  /** Drops entries; whoever had their resources released them by hand. */
  private purge(list: Ptr): void {
    for (const entry of [...this.entries(list)]) {
      const resource = this.type.get(entry, 'res');
      if (resource !== 0) this.k.get(ResourceManagers).release(resource);
      this.unlink(list, entry);
    }
  }

  /** ` port 0x3f8-0x3ff,0x2f8-0x2ff`: nothing where there is none of the type. */
  printType(list: Ptr, name: string, type: number, format: string): number {
    const texts: string[] = [];
    for (const entry of this.entries(list)) {
      if (this.type.get(entry, 'type') !== type) continue;
      const [start, count] = [this.type.getBig(entry, 'start'), this.type.getBig(entry, 'count')];
      const text = this.formatted(format, start);
      texts.push(count > 1n ? `${text}-${this.formatted(format, start + count - 1n)}` : text);
    }
    return texts.length === 0 ? 0 : this.k.get(SubrPrf).print(` ${name} ${texts.join(',')}`);
  }

  private formatted(format: string, value: bigint): string {
    const args: VarArgs = { next64: () => value, nextPtr: () => 0, nextInt: () => Number(value) };
    return kvprintf(this.k.space, format, args);
  }
}

/** What resource_list_alloc() is asked for. */
interface Ask {
  readonly list: Ptr;
  readonly bus: Ptr;
  readonly child: Ptr;
  readonly type: number;
  /** int *. */
  readonly rid: Ptr;
  readonly start: bigint;
  readonly end: bigint;
  readonly count: bigint;
  readonly flags: number;
}

/** RMAN_IS_DEFAULT_RANGE(): wherever the bus has it. */
const isDefault = ({ start, end }: Pick<Ask, 'start' | 'end'>): boolean => start === 0n && end === RM_MAX_END;

function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}
