import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL, ENOENT, ENXIO } from '../errno.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { BusTree } from './bus-tree.js';
import { Kobj } from './kobj.js';
import { RM_MAX_END } from './regions.js';
import { ResourceManagers } from './rman.js';
import { withScratch } from './scratch.js';

type Argument = number | bigint;

/** RF_OPTIONAL (sys/rman.h): bus_alloc_resources() goes on without it. */
const RF_OPTIONAL = 0x80;
/** MAXCOMLEN + 1: what is kept of an interrupt handler's description. */
const DESCRIPTION = 20;

/** What drivers ask their bus for: bus_alloc_resource(9), bus_setup_intr(9) and so on, each a method of the bus. */
export class BusResources implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    bus_alloc_resource: (
      dev: Ptr,
      type: number,
      rid: Ptr,
      start: bigint,
      end: bigint,
      count: bigint,
      flags: number,
    ) => this.ask(0, dev, 'bus_alloc_resource', dev, type, rid, start, end, count, flags),
    bus_alloc_resources: (dev: Ptr, specs: Ptr, list: Ptr) => this.allocAll(dev, specs, list),
    bus_release_resources: (dev: Ptr, specs: Ptr, list: Ptr) => this.releaseAll(dev, specs, list),
    bus_release_resource: (dev: Ptr, type: number, rid: number, resource: Ptr) =>
      this.ask(EINVAL, dev, 'bus_release_resource', dev, type, rid, resource),
    bus_free_resource: (dev: Ptr, type: number, resource: Ptr) =>
      resource === 0
        ? 0
        : this.exports.bus_release_resource(
            dev,
            type,
            this.k.get(ResourceManagers).of(resource).rid,
            resource,
          ),
    bus_activate_resource: (dev: Ptr, type: number, rid: number, resource: Ptr) =>
      this.ask(EINVAL, dev, 'bus_activate_resource', dev, type, rid, resource),
    bus_deactivate_resource: (dev: Ptr, type: number, rid: number, resource: Ptr) =>
      this.ask(EINVAL, dev, 'bus_deactivate_resource', dev, type, rid, resource),
    bus_adjust_resource: (dev: Ptr, type: number, resource: Ptr, start: bigint, end: bigint) =>
      this.ask(EINVAL, dev, 'bus_adjust_resource', dev, type, resource, start, end),
    bus_translate_resource: (dev: Ptr, type: number, start: bigint, place: Ptr) =>
      this.ask(EINVAL, dev, 'bus_translate_resource', type, start, place),
    bus_map_resource: (dev: Ptr, type: number, resource: Ptr, request: Ptr, map: Ptr) =>
      this.ask(EINVAL, dev, 'bus_map_resource', dev, type, resource, request, map),
    bus_unmap_resource: (dev: Ptr, type: number, resource: Ptr, map: Ptr) =>
      this.ask(EINVAL, dev, 'bus_unmap_resource', dev, type, resource, map),
    bus_setup_intr: (
      dev: Ptr,
      resource: Ptr,
      flags: number,
      filter: Ptr,
      handler: Ptr,
      arg: Ptr,
      cookie: Ptr,
    ) => this.setupIntr(dev, resource, flags, filter, handler, arg, cookie),
    bus_teardown_intr: (dev: Ptr, resource: Ptr, cookie: Ptr) =>
      this.ask(EINVAL, dev, 'bus_teardown_intr', dev, resource, cookie),
    bus_suspend_intr: (dev: Ptr, resource: Ptr) => this.ask(EINVAL, dev, 'bus_suspend_intr', dev, resource),
    bus_resume_intr: (dev: Ptr, resource: Ptr) => this.ask(EINVAL, dev, 'bus_resume_intr', dev, resource),
    bus_bind_intr: (dev: Ptr, resource: Ptr, cpu: number) =>
      this.ask(EINVAL, dev, 'bus_bind_intr', dev, resource, cpu),
    bus_describe_intr: (dev: Ptr, resource: Ptr, cookie: Ptr, format: Ptr, args: VarArgs) =>
      this.describeIntr(dev, resource, cookie, this.k.get(SubrPrf).text(format, args)),
    bus_set_resource: (dev: Ptr, type: number, rid: number, start: bigint, count: bigint) =>
      this.ask(EINVAL, dev, 'bus_set_resource', dev, type, rid, start, count),
    bus_get_resource: (dev: Ptr, type: number, rid: number, start: Ptr, count: Ptr) =>
      this.ask(EINVAL, dev, 'bus_get_resource', dev, type, rid, start, count),
    bus_get_resource_start: (dev: Ptr, type: number, rid: number) => this.range(dev, type, rid, 0),
    bus_get_resource_count: (dev: Ptr, type: number, rid: number) => this.range(dev, type, rid, 8),
    bus_delete_resource: (dev: Ptr, type: number, rid: number) =>
      this.ask(0, dev, 'bus_delete_resource', dev, type, rid),
    bus_child_present: (child: Ptr) => this.ask(-1, child, 'bus_child_present', child),
    bus_child_pnpinfo: (child: Ptr, sbuf: Ptr) => this.ask(0, child, 'bus_child_pnpinfo', child, sbuf),
    bus_child_location: (child: Ptr, sbuf: Ptr) => this.ask(0, child, 'bus_child_location', child, sbuf),
    bus_get_cpus: (dev: Ptr, set: number, size: number, place: Ptr) =>
      this.ask(EINVAL, dev, 'bus_get_cpus', dev, set, size, place),
    bus_get_dma_tag: (dev: Ptr) => this.ask(0, dev, 'bus_get_dma_tag', dev),
    bus_get_bus_tag: (dev: Ptr) => this.ask(0, dev, 'bus_get_bus_tag', dev),
    bus_get_domain: (dev: Ptr, place: Ptr) => this.ask(ENOENT, dev, 'bus_get_domain', dev, place),
    device_get_property: (dev: Ptr, name: Ptr, value: Ptr, size: number, type: number) =>
      this.property(dev, name, value, size, type),
    device_has_property: (dev: Ptr, name: Ptr) => this.hasProperty(dev, name),
    resource_init_map_request_impl: (request: Ptr, size: number) => {
      this.k.space.writable(request, size).fill(0);
      this.k.struct('resource_map_request').set(request, 'size', size);
      this.k.struct('resource_map_request').set(request, 'memattr', MEMATTR_UNCACHEABLE);
    },
    resource_validate_map_request: (resource: Ptr, from: Ptr, to: Ptr, start: Ptr, length: Ptr) =>
      this.validate(resource, from, to, start, length),
  };

  readonly signatures = {
    bus_alloc_resource: 'p:pipQQQu',
    bus_adjust_resource: 'i:pipQQ',
    bus_translate_resource: 'i:piQp',
    bus_set_resource: 'i:piiQQ',
    bus_get_resource_start: 'Q:pii',
    bus_get_resource_count: 'Q:pii',
  };

  /** Calls a method of the bus that a device is on; `otherwise` for the root, which is on none. */
  private *ask(otherwise: number, dev: Ptr, method: string, ...args: Argument[]): Sleepable<number> {
    const parent = this.k.get(BusTree).parentOf(dev);
    return parent === 0 ? otherwise : yield* this.k.get(Kobj).call(parent, method, ...args);
  }

  private specAt(specs: Ptr, i: number) {
    const spec = this.k.struct('resource_spec');
    const at = specs + i * spec.size;
    return {
      type: spec.get(at, 'type'),
      rid: spec.get(at, 'rid'),
      ridPlace: spec.addr(at, 'rid'),
      flags: spec.get(at, 'flags'),
    };
  }

  private *allocAll(dev: Ptr, specs: Ptr, list: Ptr): Sleepable<number> {
    const { space } = this.k;
    for (let i = 0; this.specAt(specs, i).type !== -1; i++) space.storePtr(list + 8 * i, 0);
    for (let i = 0; ; i++) {
      const { type, ridPlace, flags } = this.specAt(specs, i);
      if (type === -1) return 0;
      const resource = yield* this.exports.bus_alloc_resource(dev, type, ridPlace, 0n, RM_MAX_END, 1n, flags);
      space.storePtr(list + 8 * i, resource);
      if (resource !== 0 || (flags & RF_OPTIONAL) !== 0) continue;
      yield* this.releaseAll(dev, specs, list);
      return ENXIO;
    }
  }

  private *releaseAll(dev: Ptr, specs: Ptr, list: Ptr): Sleepable<void> {
    const { space } = this.k;
    for (let i = 0; ; i++) {
      const { type, rid } = this.specAt(specs, i);
      if (type === -1) return;
      const resource = space.loadPtr(list + 8 * i);
      if (resource === 0) continue;
      yield* this.exports.bus_release_resource(dev, type, rid, resource);
      space.storePtr(list + 8 * i, 0);
    }
  }

  private *setupIntr(
    dev: Ptr,
    resource: Ptr,
    flags: number,
    filter: Ptr,
    handler: Ptr,
    arg: Ptr,
    cookie: Ptr,
  ): Sleepable<number> {
    const { k } = this;
    const tree = k.get(BusTree);
    if (tree.parentOf(dev) === 0) return EINVAL;
    const error = yield* this.ask(
      EINVAL,
      dev,
      'bus_setup_intr',
      dev,
      resource,
      flags,
      filter,
      handler,
      arg,
      cookie,
    );
    if (error !== 0) return error;
    if (handler !== 0 && (flags & k.enumValue('INTR_MPSAFE')) === 0)
      tree.print(tree.at(dev), '[GIANT-LOCKED]\n');
    return 0;
  }

  private *describeIntr(dev: Ptr, resource: Ptr, cookie: Ptr, text: string): Sleepable<number> {
    const { k } = this;
    const ask = this.ask.bind(this);
    return yield* withScratch(k, DESCRIPTION, function* (place) {
      k.space.storeCstring(place, text.slice(0, DESCRIPTION - 1));
      return yield* ask(EINVAL, dev, 'bus_describe_intr', dev, resource, cookie, place);
    });
  }

  /** The start or the count of a resource that the bus knows; 0 where it knows none. */
  private *range(dev: Ptr, type: number, rid: number, which: number): Sleepable<bigint> {
    const { k } = this;
    const ask = this.ask.bind(this);
    return yield* withScratch(k, 16, function* (place) {
      const error = yield* ask(EINVAL, dev, 'bus_get_resource', dev, type, rid, place, place + 8);
      return error === 0 ? k.space.load64(place + which) : 0n;
    });
  }

  private *property(dev: Ptr, name: Ptr, value: Ptr, size: number, type: number): Sleepable<number> {
    if (type > this.k.enumValue('DEVICE_PROP_HANDLE')) return -1;
    return yield* this.ask(-1, dev, 'bus_get_property', dev, name, value, size, type);
  }

  private *hasProperty(dev: Ptr, name: Ptr): Sleepable<boolean> {
    return (yield* this.property(dev, name, 0, 0, this.k.enumValue('DEVICE_PROP_ANY'))) >= 0;
  }

  /** Completes a request for a part of a resource, and checks that it is one. */
  private validate(resource: Ptr, from: Ptr, to: Ptr, startPlace: Ptr, lengthPlace: Ptr): number {
    const { k } = this;
    const type = k.struct('resource_map_request');
    if (from !== 0) {
      const bytes = Math.min(type.get(from, 'size'), type.get(to, 'size'));
      k.space.writable(to, bytes).set(k.space.readable(from, bytes));
    }
    const { region } = k.get(ResourceManagers).of(resource);
    const start = region.start + type.getBig(to, 'offset');
    const length = type.getBig(to, 'length') || region.end - region.start + 1n;
    const end = start + length - 1n;
    if (start > region.end || start < region.start || end > region.end || end < start) return EINVAL;
    k.space.store64(startPlace, start);
    k.space.store64(lengthPlace, length);
    return 0;
  }
}

/** VM_MEMATTR_UNCACHEABLE (sys/amd64/include/vm.h, PAT_UNCACHEABLE). */
const MEMATTR_UNCACHEABLE = 0;
