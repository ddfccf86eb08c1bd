import type { Ptr } from '../../cpu/layout.js';
import { constant } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_WARNING } from '../../kernel/log.js';
import type { SlabCache } from '../../kernel/mm/slab.js';
import type { Holding } from '../../kernel/modules/holding.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Code } from './code.js';
import { Locks } from './locks.js';
import { Malloc } from './malloc.js';
import { Panic } from './panic.js';

interface Functions {
  readonly ctor: Ptr;
  readonly dtor: Ptr;
  readonly init: Ptr;
  readonly fini: Ptr;
}

interface Zone extends Functions {
  readonly name: string;
  readonly size: number;
  readonly cache: SlabCache;
  /** Items that init was called for, and fini was not. */
  readonly initialized: Set<Ptr>;
  readonly flags: number;
  /** What a secondary zone is made of. */
  readonly master: Zone | undefined;
  items: number;
  max: number;
}

/** Bytes of a struct uma_zone as far as anybody looks at it: nobody but UMA does. */
const ZONE_BYTES = 64;
const PTR_ALIGN = 8;
/** CACHE_LINE_SIZE of amd64. */
const CACHE_LINE_SIZE = 64;

/** uma(9): zones of equal items, which stay initialised while they are free (sys/vm/uma_core.c). */
export class Uma implements Subsystem {
  private readonly zones = new Map<Ptr, Zone>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    uma_zcreate: (
      name: Ptr,
      size: number,
      ctor: Ptr,
      dtor: Ptr,
      init: Ptr,
      fini: Ptr,
      align: number,
      flags: number,
    ) => this.create(this.k.space.cstring(name), size, { ctor, dtor, init, fini }, align, flags),
    uma_zsecond_create: (name: Ptr, ctor: Ptr, dtor: Ptr, init: Ptr, fini: Ptr, master: Ptr) =>
      this.second(name, { ctor, dtor, init, fini }, master),
    uma_zdestroy: (zone: Ptr) => this.destroy(zone),
    uma_zalloc_arg: (zone: Ptr, arg: Ptr, flags: number) => this.alloc(zone, arg, flags),
    uma_zalloc_smr: (zone: Ptr, flags: number) => this.alloc(zone, 0, flags),
    uma_zalloc_domain: (zone: Ptr, arg: Ptr, _domain: number, flags: number) => this.alloc(zone, arg, flags),
    uma_zfree_arg: (zone: Ptr, item: Ptr, arg: Ptr) => this.free(zone, item, arg),
    uma_zfree_smr: (zone: Ptr, item: Ptr) => this.free(zone, item, 0),
    uma_zalloc_pcpu_arg: (zone: Ptr, arg: Ptr, flags: number) => this.allocPerCpu(zone, arg, flags),
    uma_zfree_pcpu_arg: (zone: Ptr, item: bigint, arg: Ptr) => this.freePerCpu(zone, item, arg),
    uma_zone_set_max: (zone: Ptr, items: number) => {
      this.zoneAt(zone).max = items;
      return items;
    },
    uma_zone_get_max: (zone: Ptr) => {
      const { max } = this.zoneAt(zone);
      return Number.isFinite(max) ? max : 0;
    },
    uma_zone_get_cur: (zone: Ptr) => this.zoneAt(zone).items,
    uma_get_cache_align_mask: constant(CACHE_LINE_SIZE - 1),
    uma_zone_exhausted: (zone: Ptr) => Number(this.zoneAt(zone).items >= this.zoneAt(zone).max),
    // Free items are there at once, however many are wanted.
    uma_prealloc: () => {},
    uma_zone_reserve: () => {},
    uma_zone_set_warning: () => {},
    uma_zone_set_maxcache: () => {},
    uma_zone_reclaim: () => {},
    uma_reclaim: () => {},
    uma_zone_memory: (zone: Ptr) => this.zoneAt(zone).cache.slabs.length * this.zoneAt(zone).cache.slabBytes,
  };

  readonly signatures = { uma_zalloc_pcpu_arg: 'Q:ppi', uma_zfree_pcpu_arg: 'v:pQp' };

  create(name: string, size: number, functions: Functions, align: number, flags: number): Ptr {
    const { k } = this;
    const keep =
      functions.init !== 0 || (flags & (k.macro('UMA_ZONE_NOFREE') | k.macro('UMA_ZONE_SMR'))) !== 0;
    const cache = k.slab.createCache({
      name,
      objectSize: Math.max(size, PTR_ALIGN),
      align: Math.max(PTR_ALIGN, align + 1),
      keepContent: keep,
    });
    return this.add({ name, size, ...functions, cache, flags, master: undefined });
  }

  private second(name: Ptr, functions: Functions, at: Ptr): Ptr {
    const master = this.zoneAt(at);
    return this.add({ ...master, name: this.k.space.cstring(name), ...functions, master });
  }

  private add(zone: Omit<Zone, 'initialized' | 'items' | 'max'>): Ptr {
    const at = this.k.slab.allocateBytes(ZONE_BYTES, true);
    this.zones.set(at, { ...zone, initialized: new Set(), items: 0, max: Number.POSITIVE_INFINITY });
    this.k.origins.note(at);
    return at;
  }

  private zoneAt(at: Ptr): Zone {
    const zone = this.zones.get(at);
    if (zone) return zone;
    throw new Panic(`0x${this.k.space.toAddress(at).toString(16)} is no zone of UMA`, 'bad-free', at);
  }

  *alloc(at: Ptr, arg: Ptr, flags: number): Sleepable<Ptr> {
    const { k } = this;
    const zone = this.zoneAt(at);
    const wait = (flags & k.macro('M_WAITOK')) !== 0;
    if (wait) k.get(Locks).mightSleep(`uma_zalloc_arg: zone "${zone.name}"`);
    if (zone.items >= zone.max) {
      if (wait) throw new Panic(`zone ${zone.name} is exhausted, and nobody frees an item`, 'deadlock');
      return 0;
    }
    // What survives in free items is the constructor's or init's: a zone that keeps it is zeroed by request only.
    const zero = (flags & k.macro('M_ZERO')) !== 0 || (zone.flags & k.macro('UMA_ZONE_ZINIT')) !== 0;
    const item = k.slab.allocate(zone.cache, zero && zone.init === 0, zone.size, true);
    if (item === 0) {
      if (wait) throw new Panic(`uma_zalloc_arg: no memory for zone ${zone.name}`, 'out-of-memory');
      return 0;
    }
    zone.items++;
    if (!(yield* this.initialize(zone, item, flags))) return this.giveBack(zone, item);
    if (zone.ctor !== 0) {
      const failed = yield* k.callAs('uma_ctor', zone.ctor, item, zone.size, arg, flags);
      if (failed !== 0) return this.giveBack(zone, item);
    }
    if (zero && zone.init !== 0) k.space.writable(item, zone.size).fill(0);
    return item;
  }

  private *initialize(zone: Zone, item: Ptr, flags: number): Sleepable<boolean> {
    const { k } = this;
    const { master } = zone;
    if (master && master.init !== 0 && !master.initialized.has(item)) {
      if ((yield* k.callAs('uma_init', master.init, item, zone.size, flags)) !== 0) return false;
      master.initialized.add(item);
    }
    if (zone.init === 0 || zone.initialized.has(item)) return true;
    k.space.writable(item, zone.size).fill(0);
    if ((yield* k.callAs('uma_init', zone.init, item, zone.size, flags)) !== 0) return false;
    zone.initialized.add(item);
    return true;
  }

  private giveBack(zone: Zone, item: Ptr): Ptr {
    this.k.slab.free(item);
    zone.items--;
    return 0;
  }

  *free(at: Ptr, item: Ptr, arg: Ptr): Sleepable<void> {
    if (item === 0) return;
    const { k } = this;
    const zone = this.zoneAt(at);
    const owner = k.slab.cacheOf(item);
    const address = `0x${k.space.toAddress(item).toString(16)}`;
    if (owner !== zone.cache)
      throw new Panic(`uma_zfree: ${address} is no item of zone ${zone.name}`, 'bad-free', item);
    if (!k.ledger.get(item)) {
      const message = `Duplicate free of ${address} from zone ${zone.name}`;
      k.trap.reports.add({ kind: 'double-free', message, address: k.space.toAddress(item) });
      return;
    }
    if (zone.dtor !== 0) yield* k.callAs('uma_dtor', zone.dtor, item, zone.size, arg);
    const result = k.slab.free(item);
    if (result.kind === 'freed' && result.defect) k.get(Malloc).report(result.defect);
    if (!zone.initialized.has(item)) k.get(Locks).forgetIn(item, zone.size);
    zone.items--;
  }

  /** Items of zones that have one for each CPU are told by their offset from the first CPU's struct pcpu (counter(9)). */
  *allocPerCpu(zone: Ptr, arg: Ptr, flags: number): Sleepable<bigint> {
    const item = yield* this.alloc(zone, arg, flags);
    if (item === 0) return 0n;
    if (flags & this.k.macro('M_ZERO')) this.k.space.writable(item, this.zoneAt(zone).size).fill(0);
    return this.k.space.toAddress(item) - this.base;
  }

  *freePerCpu(zone: Ptr, item: bigint, arg: Ptr): Sleepable<void> {
    yield* this.free(zone, this.k.space.fromAddress(BigInt.asUintN(64, item + this.base)), arg);
  }

  private get base(): bigint {
    return this.k.space.toAddress(this.k.processes.pcpuAt);
  }

  *destroy(at: Ptr): Sleepable<void> {
    const { k } = this;
    const zone = this.zoneAt(at);
    if (zone.fini !== 0)
      for (const item of zone.initialized)
        if (!k.ledger.get(item)) {
          k.space.shadow.allow(item, zone.size);
          yield* k.callAs('uma_fini', zone.fini, item, zone.size);
        }
    this.zones.delete(at);
    k.origins.forget(at);
    k.slab.free(at);
    if (zone.master) return;
    for (const slab of zone.cache.slabs) k.get(Locks).forgetIn(slab, zone.cache.slabBytes);
    const pages = zone.cache.slabs.length * Math.ceil(zone.cache.slabBytes / 4096);
    if (k.slab.destroyCache(zone.cache) === 0) return;
    const lost = `${zone.items} items). Lost ${pages} pages of memory.`;
    k.log.line(`Freed UMA keg (${zone.name}) was not empty (${lost}`, LOGLEVEL_WARNING);
  }

  *holds(): Generator<Holding> {
    for (const [at, { name, ctor, dtor, init, fini }] of this.zones)
      yield {
        kind: 'UMA zone',
        at,
        uses: [ctor, dtor, init, fini],
        by: this.k.origins.of(at),
        name: () => name,
      };
  }

  /** The zone that an item is of, in words, for reports. */
  zoneName(item: Ptr): string {
    return this.k.slab.cacheOf(item)?.options.name ?? this.k.get(Code).symbolize(item);
  }
}
