import type { Ptr } from '../../cpu/layout.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EBUSY, EINVAL, ENOENT, ENOMEM } from '../errno.js';
import { Malloc } from '../kern/malloc.js';
import { defineType } from '../kern/malloc-type.js';
import { Mutexes } from '../kern/mutex.js';
import { Panic } from '../kern/panic.js';
import { Tailq } from '../kern/tailq.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { isFree, type Owner, Regions, RF_ACTIVE, RF_ALLOCATED } from './regions.js';

const RMAN_UNINIT = 0;
const RMAN_ARRAY = 2;
const RF_ALIGNMENT_SHIFT = 10;

/** A resource manager of the base kernel's own. */
export interface OwnRman {
  readonly name: string;
  readonly description: string;
  readonly start: bigint;
  readonly end: bigint;
}

/** rman(9) (sys/kern/subr_rman.c): who has which interrupts, ports and addresses. Each range that somebody has is a struct resource. */
export class ResourceManagers implements Subsystem {
  private readonly managers = new Map<Ptr, Regions>();
  private readonly owners = new Map<Ptr, { readonly owner: Owner; readonly rman: Ptr }>();
  private type: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    rman_init: (rman: Ptr) => this.init(rman),
    rman_fini: (rman: Ptr) => this.fini(rman),
    rman_manage_region: (rman: Ptr, start: bigint, end: bigint) => this.manage(rman, start, end),
    rman_init_from_resource: (rman: Ptr, resource: Ptr) => {
      const { region } = this.of(resource);
      return this.init(rman) || this.manage(rman, region.start, region.end);
    },
    rman_reserve_resource: (
      rman: Ptr,
      start: bigint,
      end: bigint,
      count: bigint,
      flags: number,
      device: Ptr,
    ) => this.reserve(rman, start, end, count, 0n, flags, device),
    rman_reserve_resource_bound: (
      rman: Ptr,
      start: bigint,
      end: bigint,
      count: bigint,
      bound: bigint,
      flags: number,
      device: Ptr,
    ) => this.reserve(rman, start, end, count, bound, flags, device),
    rman_release_resource: (resource: Ptr) => this.release(resource),
    rman_activate_resource: (resource: Ptr) => this.activate(resource),
    rman_deactivate_resource: (resource: Ptr) => this.deactivate(resource),
    rman_adjust_resource: (resource: Ptr, start: bigint, end: bigint) => this.adjust(resource, start, end),
    rman_first_free_region: (rman: Ptr, start: Ptr, end: Ptr) => this.freeRegion(rman, 0, start, end),
    rman_last_free_region: (rman: Ptr, start: Ptr, end: Ptr) => this.freeRegion(rman, -1, start, end),
    rman_is_region_manager: (resource: Ptr, rman: Ptr) => Number(this.entry(resource).rman === rman),
    rman_make_alignment_flags: (size: number) =>
      Math.max(0, Math.ceil(Math.log2(size >>> 0))) << RF_ALIGNMENT_SHIFT,
    rman_get_start: (resource: Ptr) => this.of(resource).region.start,
    rman_get_end: (resource: Ptr) => this.of(resource).region.end,
    rman_get_size: (resource: Ptr) => this.sizeOf(resource),
    rman_get_flags: (resource: Ptr) => this.of(resource).flags,
    rman_get_rid: (resource: Ptr) => this.of(resource).rid,
    rman_get_device: (resource: Ptr) => this.of(resource).device,
    rman_get_virtual: (resource: Ptr) => this.of(resource).virtual,
    rman_get_irq_cookie: (resource: Ptr) => this.of(resource).irqCookie,
    rman_get_bustag: (resource: Ptr) => this.k.struct('resource').getBig(resource, 'r_bustag'),
    rman_get_bushandle: (resource: Ptr) => this.k.struct('resource').getBig(resource, 'r_bushandle'),
    rman_get_mapping: (resource: Ptr, map: Ptr) => this.getMapping(resource, map),
    rman_set_start: (resource: Ptr, start: bigint) => {
      this.of(resource).region.start = start;
    },
    rman_set_end: (resource: Ptr, end: bigint) => {
      this.of(resource).region.end = end;
    },
    rman_set_rid: (resource: Ptr, rid: number) => {
      this.of(resource).rid = rid;
    },
    rman_set_device: (resource: Ptr, device: Ptr) => {
      this.of(resource).device = device;
    },
    rman_set_virtual: (resource: Ptr, at: Ptr) => {
      this.of(resource).virtual = at;
    },
    rman_set_irq_cookie: (resource: Ptr, cookie: Ptr) => {
      this.of(resource).irqCookie = cookie;
    },
    rman_set_bustag: (resource: Ptr, tag: bigint) =>
      this.k.struct('resource').setBig(resource, 'r_bustag', tag),
    rman_set_bushandle: (resource: Ptr, handle: bigint) =>
      this.k.struct('resource').setBig(resource, 'r_bushandle', handle),
    rman_set_mapping: (resource: Ptr, map: Ptr) => this.setMapping(resource, map),
  };

  readonly signatures = {
    rman_manage_region: 'i:pQQ',
    rman_reserve_resource: 'p:pQQQup',
    rman_reserve_resource_bound: 'p:pQQQQup',
    rman_adjust_resource: 'i:pQQ',
    rman_get_start: 'Q:p',
    rman_get_end: 'Q:p',
    rman_get_size: 'Q:p',
    rman_get_bustag: 'Q:p',
    rman_get_bushandle: 'Q:p',
    rman_set_start: 'v:pQ',
    rman_set_end: 'v:pQ',
    rman_set_bustag: 'v:pQ',
    rman_set_bushandle: 'v:pQ',
  };

  readonly data = { rman_head: (at: Ptr) => new Tailq(this.k, at, 0).init() };

  boot(): void {
    this.type = defineType(this.k, 'M_RMAN', 'rman');
  }

  /** The list of all managers, which modules may go through. */
  private get head(): Tailq {
    return new Tailq(this.k, this.k.variable('rman_head'), this.k.struct('rman').offsetOf('rm_link'));
  }

  /** A manager of the base kernel's own, with all of its range to give. */
  make({ name, description, start, end }: OwnRman): Ptr {
    const type = this.k.struct('rman');
    const at = this.k.variable(name, type.size);
    type.setBig(at, 'rm_start', start);
    type.setBig(at, 'rm_end', end);
    type.set(at, 'rm_type', RMAN_ARRAY);
    type.set(at, 'rm_descr', this.k.constantString(description));
    this.init(at);
    this.manage(at, start, end);
    return at;
  }

  private init(rman: Ptr): number {
    const { k } = this;
    const type = k.struct('rman');
    const kind = type.get(rman, 'rm_type');
    if (type.getBig(rman, 'rm_start') === 0n && type.getBig(rman, 'rm_end') === 0n)
      type.setBig(rman, 'rm_end', -1n);
    if (kind === RMAN_UNINIT) k.panic('rman_init');
    if (kind !== RMAN_ARRAY) k.panic('implement RMAN_GAUGE');
    const mutex = k.get(Malloc).malloc(k.sizeOf('mtx'), this.type, k.macro('M_NOWAIT') | k.macro('M_ZERO'));
    if (mutex === 0) return ENOMEM;
    k.get(Mutexes).init(mutex, k.constantString('rman'), k.macro('MTX_DEF'));
    type.set(rman, 'rm_mtx', mutex);
    new Tailq(k, type.addr(rman, 'rm_list'), 0).init();
    this.head.append(rman);
    this.managers.set(rman, new Regions(type.getBig(rman, 'rm_start'), type.getBig(rman, 'rm_end')));
    k.origins.note(rman);
    return 0;
  }

  private fini(rman: Ptr): number {
    const { k } = this;
    const regions = this.regionsOf(rman);
    if (regions.list.some((region) => !isFree(region))) return EBUSY;
    const mutex = k.struct('rman').get(rman, 'rm_mtx');
    this.head.remove(rman);
    k.get(Mutexes).destroy(mutex);
    k.get(Malloc).free(mutex, this.type);
    this.managers.delete(rman);
    k.origins.forget(rman);
    return 0;
  }

  private regionsOf(rman: Ptr): Regions {
    const regions = this.managers.get(rman);
    if (regions) return regions;
    this.k.space.load8(rman);
    const address = `0x${this.k.space.toAddress(rman).toString(16)}`;
    throw new Panic(`the resource manager at ${address} was not initialised (rman_init)`, 'panic', rman);
  }

  private entry(resource: Ptr): { readonly owner: Owner; readonly rman: Ptr } {
    const entry = this.owners.get(resource);
    if (entry) return entry;
    this.k.space.load8(resource);
    const address = `0x${this.k.space.toAddress(resource).toString(16)}`;
    throw new Panic(`there is no resource at ${address}`, 'use-after-free', resource);
  }

  of(resource: Ptr): Owner {
    return this.entry(resource).owner;
  }

  sizeOf(resource: Ptr): bigint {
    const { start, end } = this.of(resource).region;
    return BigInt.asUintN(64, end - start + 1n);
  }

  manage(rman: Ptr, start: bigint, end: bigint): number {
    const regions = this.regionsOf(rman);
    if (start < regions.start || end > regions.end) return EINVAL;
    return regions.manage(start, end) ? 0 : EBUSY;
  }

  /** A struct resource for a range, 0 where there is none left. */
  reserve(
    rman: Ptr,
    start: bigint,
    end: bigint,
    count: bigint,
    bound: bigint,
    flags: number,
    device: Ptr,
  ): Ptr {
    const { k } = this;
    const region = this.regionsOf(rman).reserve({ start, end, count, bound, flags });
    if (!region) return 0;
    const type = k.struct('resource');
    const at = k.get(Malloc).malloc(type.size, this.type, k.macro('M_NOWAIT') | k.macro('M_ZERO'));
    if (at === 0) return 0;
    type.set(at, '__r_i', at);
    const owner: Owner = {
      at,
      device,
      flags: flags | RF_ALLOCATED,
      rid: 0,
      virtual: 0,
      irqCookie: 0,
      region,
    };
    region.flags = owner.flags;
    region.owners.push(owner);
    this.owners.set(at, { owner, rman });
    k.origins.note(at);
    return at;
  }

  release(resource: Ptr): number {
    const { owner, rman } = this.entry(resource);
    this.regionsOf(rman).release(owner);
    this.owners.delete(resource);
    this.k.origins.forget(resource);
    this.k.get(Malloc).free(resource, this.type);
    return 0;
  }

  activate(resource: Ptr): number {
    this.of(resource).flags |= RF_ACTIVE;
    return 0;
  }

  deactivate(resource: Ptr): number {
    this.of(resource).flags &= ~RF_ACTIVE;
    return 0;
  }

  adjust(resource: Ptr, start: bigint, end: bigint): number {
    const { owner, rman } = this.entry(resource);
    const result = this.regionsOf(rman).adjust(owner.region, start, end);
    return result === 'done' ? 0 : result === 'busy' ? EBUSY : EINVAL;
  }

  private freeRegion(rman: Ptr, which: number, start: Ptr, end: Ptr): number {
    const region = this.regionsOf(rman).free.at(which);
    if (!region) return ENOENT;
    this.k.space.store64(start, region.start);
    this.k.space.store64(end, region.end);
    return 0;
  }

  private getMapping(resource: Ptr, map: Ptr): void {
    const { k } = this;
    const [own, type] = [k.struct('resource'), k.struct('resource_map')];
    type.setBig(map, 'r_bustag', own.getBig(resource, 'r_bustag'));
    type.setBig(map, 'r_bushandle', own.getBig(resource, 'r_bushandle'));
    type.setBig(map, 'r_size', this.sizeOf(resource));
    type.set(map, 'r_vaddr', this.of(resource).virtual);
  }

  private setMapping(resource: Ptr, map: Ptr): void {
    const { k } = this;
    const [own, type] = [k.struct('resource'), k.struct('resource_map')];
    own.setBig(resource, 'r_bustag', type.getBig(map, 'r_bustag'));
    own.setBig(resource, 'r_bushandle', type.getBig(map, 'r_bushandle'));
    this.of(resource).virtual = type.get(map, 'r_vaddr');
  }

  *holds(): Generator<Holding> {
    const { k } = this;
    for (const [at, { start, end }] of this.managers)
      yield {
        kind: 'resource manager',
        at,
        by: k.origins.of(at),
        name: () => k.struct('rman').string(at, 'rm_descr') || `${start}-${end}`,
      };
    for (const [at, { owner }] of this.owners)
      yield {
        kind: 'resource',
        at,
        by: k.origins.of(at),
        name: () => `0x${owner.region.start.toString(16)}-0x${owner.region.end.toString(16)}`,
      };
  }
}
