import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL, ENOENT } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { BusTree } from './bus-tree.js';
import { Kobj } from './kobj.js';
import { ResourceLists } from './resource-list.js';

type Argument = number | bigint;

/**
 * What buses do with requests of their children that are not theirs to serve: bus_generic_alloc_resource(9) and its kin hand them to the
 * bus above; those with `rl` serve them from the child's list of resources.
 */
export class BusPassThrough implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    bus_generic_alloc_resource: (
      bus: Ptr,
      child: Ptr,
      type: number,
      rid: Ptr,
      start: bigint,
      end: bigint,
      count: bigint,
      flags: number,
    ) => this.up(0, bus, 'bus_alloc_resource', child, type, rid, start, end, count, flags),
    bus_generic_release_resource: (bus: Ptr, child: Ptr, type: number, rid: number, resource: Ptr) =>
      this.up(EINVAL, bus, 'bus_release_resource', child, type, rid, resource),
    bus_generic_activate_resource: (bus: Ptr, child: Ptr, type: number, rid: number, resource: Ptr) =>
      this.up(EINVAL, bus, 'bus_activate_resource', child, type, rid, resource),
    bus_generic_deactivate_resource: (bus: Ptr, child: Ptr, type: number, rid: number, resource: Ptr) =>
      this.up(EINVAL, bus, 'bus_deactivate_resource', child, type, rid, resource),
    bus_generic_adjust_resource: (
      bus: Ptr,
      child: Ptr,
      type: number,
      resource: Ptr,
      start: bigint,
      end: bigint,
    ) => this.up(EINVAL, bus, 'bus_adjust_resource', child, type, resource, start, end),
    bus_generic_translate_resource: (bus: Ptr, type: number, start: bigint, place: Ptr) =>
      this.up(EINVAL, bus, 'bus_translate_resource', type, start, place),
    bus_generic_map_resource: (bus: Ptr, child: Ptr, type: number, resource: Ptr, request: Ptr, map: Ptr) =>
      this.up(EINVAL, bus, 'bus_map_resource', child, type, resource, request, map),
    bus_generic_unmap_resource: (bus: Ptr, child: Ptr, type: number, resource: Ptr, map: Ptr) =>
      this.up(EINVAL, bus, 'bus_unmap_resource', child, type, resource, map),
    bus_generic_setup_intr: (
      bus: Ptr,
      child: Ptr,
      resource: Ptr,
      flags: number,
      filter: Ptr,
      handler: Ptr,
      arg: Ptr,
      cookie: Ptr,
    ) => this.up(EINVAL, bus, 'bus_setup_intr', child, resource, flags, filter, handler, arg, cookie),
    bus_generic_teardown_intr: (bus: Ptr, child: Ptr, resource: Ptr, cookie: Ptr) =>
      this.up(EINVAL, bus, 'bus_teardown_intr', child, resource, cookie),
    bus_generic_suspend_intr: (bus: Ptr, child: Ptr, resource: Ptr) =>
      this.up(EINVAL, bus, 'bus_suspend_intr', child, resource),
    bus_generic_resume_intr: (bus: Ptr, child: Ptr, resource: Ptr) =>
      this.up(EINVAL, bus, 'bus_resume_intr', child, resource),
    bus_generic_bind_intr: (bus: Ptr, child: Ptr, resource: Ptr, cpu: number) =>
      this.up(EINVAL, bus, 'bus_bind_intr', child, resource, cpu),
    bus_generic_config_intr: (bus: Ptr, irq: number, trigger: number, polarity: number) =>
      this.up(EINVAL, bus, 'bus_config_intr', irq, trigger, polarity),
    bus_generic_describe_intr: (bus: Ptr, child: Ptr, resource: Ptr, cookie: Ptr, text: Ptr) =>
      this.up(EINVAL, bus, 'bus_describe_intr', child, resource, cookie, text),
    bus_generic_get_cpus: (bus: Ptr, child: Ptr, set: number, size: number, place: Ptr) =>
      this.up(EINVAL, bus, 'bus_get_cpus', child, set, size, place),
    bus_generic_get_dma_tag: (bus: Ptr, child: Ptr) => this.up(0, bus, 'bus_get_dma_tag', child),
    bus_generic_get_bus_tag: (bus: Ptr, child: Ptr) => this.up(0, bus, 'bus_get_bus_tag', child),

    bus_generic_rl_get_resource: (bus: Ptr, child: Ptr, type: number, rid: number, start: Ptr, count: Ptr) =>
      this.getListed(bus, child, type, rid, start, count),
    bus_generic_rl_set_resource: (
      bus: Ptr,
      child: Ptr,
      type: number,
      rid: number,
      start: bigint,
      count: bigint,
    ) => this.setListed(bus, child, type, rid, start, count),
    bus_generic_rl_delete_resource: (bus: Ptr, child: Ptr, type: number, rid: number) =>
      this.deleteListed(bus, child, type, rid),
    bus_generic_rl_alloc_resource: (
      bus: Ptr,
      child: Ptr,
      type: number,
      rid: Ptr,
      start: bigint,
      end: bigint,
      count: bigint,
      flags: number,
    ) => this.allocListed(bus, child, type, rid, start, end, count, flags),
    bus_generic_rl_release_resource: (bus: Ptr, child: Ptr, type: number, rid: number, resource: Ptr) =>
      this.releaseListed(bus, child, type, rid, resource),
  };

  readonly signatures = {
    bus_generic_alloc_resource: 'p:ppipQQQu',
    bus_generic_adjust_resource: 'i:ppipQQ',
    bus_generic_translate_resource: 'i:piQp',
    bus_generic_rl_set_resource: 'i:ppiiQQ',
    bus_generic_rl_alloc_resource: 'p:ppipQQQu',
  };

  private *up(otherwise: number, bus: Ptr, method: string, ...args: Argument[]): Sleepable<number> {
    const parent = this.k.get(BusTree).parentOf(bus);
    return parent === 0 ? otherwise : yield* this.k.get(Kobj).call(parent, method, ...args);
  }

  private list(bus: Ptr, child: Ptr): Sleepable<number> {
    return this.k.get(Kobj).call(bus, 'bus_get_resource_list', child);
  }

  private *getListed(
    bus: Ptr,
    child: Ptr,
    type: number,
    rid: number,
    start: Ptr,
    count: Ptr,
  ): Sleepable<number> {
    const { k } = this;
    const list = yield* this.list(bus, child);
    if (list === 0) return EINVAL;
    const entry = k.get(ResourceLists).find(list, type, rid);
    if (entry === 0) return ENOENT;
    const own = k.struct('resource_list_entry');
    if (start !== 0) k.space.store64(start, own.getBig(entry, 'start'));
    if (count !== 0) k.space.store64(count, own.getBig(entry, 'count'));
    return 0;
  }

  private *setListed(
    bus: Ptr,
    child: Ptr,
    type: number,
    rid: number,
    start: bigint,
    count: bigint,
  ): Sleepable<number> {
    const list = yield* this.list(bus, child);
    if (list === 0) return EINVAL;
    this.k.get(ResourceLists).add(list, type, rid, start, BigInt.asUintN(64, start + count - 1n), count);
    return 0;
  }

  private *deleteListed(bus: Ptr, child: Ptr, type: number, rid: number): Sleepable<void> {
    const list = yield* this.list(bus, child);
    if (list !== 0) this.k.get(ResourceLists).delete(list, type, rid);
  }

  private *allocListed(
    bus: Ptr,
    child: Ptr,
    type: number,
    rid: Ptr,
    start: bigint,
    end: bigint,
    count: bigint,
    flags: number,
  ): Sleepable<Ptr> {
    if (this.k.get(BusTree).parentOf(child) !== bus)
      return yield* this.exports.bus_generic_alloc_resource(bus, child, type, rid, start, end, count, flags);
    const list = yield* this.list(bus, child);
    if (list === 0) return 0;
    return yield* this.k.get(ResourceLists).alloc({ list, bus, child, type, rid, start, end, count, flags });
  }

  private *releaseListed(bus: Ptr, child: Ptr, type: number, rid: number, resource: Ptr): Sleepable<number> {
    if (this.k.get(BusTree).parentOf(child) !== bus)
      return yield* this.exports.bus_generic_release_resource(bus, child, type, rid, resource);
    const list = yield* this.list(bus, child);
    if (list === 0) return EINVAL;
    return yield* this.k
      .get(ResourceLists)
      .exports.resource_list_release(list, bus, child, type, rid, resource);
  }
}
