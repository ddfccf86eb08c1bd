import type { Ptr } from '../../../cpu/layout.js';
import { runNow, type Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import { EEXIST, EINVAL, ENOMEM } from '../../errno.js';
import { errPtr, isErr, ptrErr } from '../../errors.js';
import type { Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import { Kobjects } from '../../kobject/kobject.js';
import { hostKtype } from '../../kobject/ktype.js';
import type { Subsystem } from '../../subsystem.js';

/** A property list in guest memory: struct property_entry up to one without a name. */
export interface Property {
  readonly name: string;
  /** Bytes of its value. */
  readonly length: number;
  readonly value: Ptr;
}

interface SoftwareNode {
  /** struct swnode */
  readonly swnode: Ptr;
  readonly properties: Ptr;
  /** The struct software_node it was registered from, 0 for one made from properties only. */
  readonly origin: Ptr;
  /** Properties were copied and go with the node. */
  readonly ownsProperties: boolean;
}

/** Firmware nodes that software makes up (drivers/base/swnode.c). */
export class SoftwareNodes implements Subsystem {
  private readonly nodes = new Map<Ptr, SoftwareNode>();
  private kset: Ptr = 0;
  private ktype: Ptr = 0;
  private nextId = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    software_node_register: (node: Ptr) => this.register(node),
    software_node_unregister: (node: Ptr) => this.unregister(node),
    software_node_register_nodes: (nodes: Ptr) => this.registerSpaced(nodes),
    software_node_unregister_nodes: (nodes: Ptr) => this.unregisterSpaced(nodes),
    software_node_register_node_group: (group: Ptr) => this.registerGroup(group),
    software_node_unregister_node_group: (group: Ptr) => this.unregisterGroup(group),
    software_node_find_by_name: (parent: Ptr, name: Ptr) => this.findByName(parent, name),
    software_node_fwnode: (node: Ptr) => this.fwnodeOf(node),
    is_software_node: (fwnode: Ptr) => this.nodes.has(fwnode),
    to_software_node: (fwnode: Ptr) => this.nodes.get(fwnode)?.origin ?? 0,
    fwnode_create_software_node: (properties: Ptr, parent: Ptr) => this.create(properties, 0, true, parent),
    fwnode_remove_software_node: (fwnode: Ptr) => this.remove(fwnode),
    device_add_software_node: (device: Ptr, node: Ptr) => this.addToDevice(device, node),
    device_remove_software_node: (device: Ptr) => this.removeFromDevice(device),
    device_create_managed_software_node: (device: Ptr, properties: Ptr) =>
      this.attachProperties(device, properties),
    property_entries_dup: (properties: Ptr) => this.duplicate(properties),
    property_entries_free: (properties: Ptr) => this.freeProperties(properties),
  };

  *holds(): Generator<Holding> {
    const type = this.k.struct('swnode');
    for (const { swnode, origin } of this.nodes.values())
      yield {
        kind: 'software node',
        at: origin || swnode,
        kobjects: [type.addr(swnode, 'kobj')],
        name: () => type.string(swnode, 'kobj.name'),
      };
  }

  boot(): void {
    const { k } = this;
    this.ktype = hostKtype(k, { name: 'software_node', release: (kobj) => this.release(kobj) });
    const above = k.hasSymbol('kernel_kobj') ? k.space.loadPtr(k.symbol('kernel_kobj')) : 0;
    this.kset = runNow(k.get(Kobjects).createKset('software_nodes', 0, above));
  }

  /** A property of a node. */
  property(fwnode: Ptr, name: string): Property | undefined {
    const node = this.nodes.get(fwnode);
    return node && this.entries(node.properties).find((entry) => entry.name === name);
  }

  knows(fwnode: Ptr): boolean {
    return this.nodes.has(fwnode);
  }

  /** device_create_managed_software_node(): a node of these properties that goes with the device. */
  attachProperties(device: Ptr, properties: Ptr): number {
    const fwnode = runNow(this.create(properties, 0, true));
    if (isErr(fwnode)) return -ENOMEM;
    this.setSecondary(device, fwnode);
    return 0;
  }

  private entries(properties: Ptr): Property[] {
    const type = this.k.struct('property_entry');
    const found: Property[] = [];
    if (properties !== 0)
      for (let at = properties; type.get(at, 'name') !== 0; at += type.size)
        found.push({
          name: type.string(at, 'name'),
          length: type.get(at, 'length'),
          value: type.get(at, 'is_inline') ? type.addr(at, 'value') : type.get(at, 'pointer'),
        });
    return found;
  }

  private *create(properties: Ptr, origin: Ptr, copy: boolean, parent = 0): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('swnode');
    const swnode = k.slab.allocateBytes(type.size, true);
    if (swnode === 0) return errPtr(ENOMEM);
    const fwnode = type.addr(swnode, 'fwnode');
    if (k.hasSymbol('software_node_ops')) type.set(swnode, 'fwnode.ops', k.symbol('software_node_ops'));
    for (const head of ['fwnode.suppliers', 'fwnode.consumers', 'entry', 'children'])
      list.init(k.space, type.addr(swnode, head));
    const kept = copy ? this.duplicate(properties) : properties;
    this.nodes.set(fwnode, { swnode, properties: kept, origin, ownsProperties: copy });
    type.set(swnode, 'node', origin);
    type.set(swnode, 'allocated', copy ? 1 : 0);
    type.set(swnode, 'kobj.kset', this.kset);
    const above = this.nodes.get(parent)?.swnode ?? 0;
    type.set(swnode, 'parent', above);
    if (above !== 0) list.addTail(k.space, type.addr(swnode, 'entry'), type.addr(above, 'children'));
    const named = origin === 0 ? '' : k.struct('software_node').string(origin, 'name');
    const name = named === '' ? `node${this.nextId++}` : named;
    const error = yield* k
      .get(Kobjects)
      .initAndAdd(type.addr(swnode, 'kobj'), this.ktype, above && type.addr(above, 'kobj'), name);
    if (error === 0) return fwnode;
    yield* k.get(Kobjects).put(type.addr(swnode, 'kobj'));
    return errPtr(-error);
  }

  private *register(node: Ptr): Sleepable<number> {
    if (this.fwnodeOf(node) !== 0) return -EEXIST;
    const parent = this.k.struct('software_node').get(node, 'parent');
    if (parent !== 0 && this.fwnodeOf(parent) === 0) return -EINVAL;
    const fwnode = yield* this.create(
      this.k.struct('software_node').get(node, 'properties'),
      node,
      false,
      this.fwnodeOf(parent),
    );
    return isErr(fwnode) ? ptrErr(fwnode) : 0;
  }

  /** The struct software_node of a name, below another or, where none is given, anywhere; takes a reference. */
  private findByName(parent: Ptr, name: Ptr): Ptr {
    const { k } = this;
    if (name === 0) return 0;
    const type = k.struct('software_node');
    const wanted = k.space.cstring(name);
    for (const { swnode, origin } of this.nodes.values()) {
      if (origin === 0 || type.string(origin, 'name') !== wanted) continue;
      if (parent !== 0 && type.get(origin, 'parent') !== parent) continue;
      k.get(Kobjects).get(k.struct('swnode').addr(swnode, 'kobj'));
      return origin;
    }
    return 0;
  }

  private *unregister(node: Ptr): Sleepable<void> {
    const fwnode = this.fwnodeOf(node);
    if (fwnode !== 0) yield* this.remove(fwnode);
  }

  private *remove(fwnode: Ptr): Sleepable<void> {
    const node = this.nodes.get(fwnode);
    if (node) yield* this.k.get(Kobjects).put(this.k.struct('swnode').addr(node.swnode, 'kobj'));
  }

  private *registerSpaced(nodes: Ptr): Sleepable<number> {
    const size = this.k.sizeOf('software_node');
    for (let at = nodes; this.k.struct('software_node').get(at, 'name') !== 0; at += size) {
      const error = yield* this.register(at);
      if (error === 0) continue;
      for (let done = at - size; done >= nodes; done -= size) yield* this.unregister(done);
      return error;
    }
    return 0;
  }

  private *unregisterSpaced(nodes: Ptr): Sleepable<void> {
    const type = this.k.struct('software_node');
    let end = nodes;
    while (type.get(end, 'name') !== 0) end += type.size;
    for (let at = end - type.size; at >= nodes; at -= type.size) yield* this.unregister(at);
  }

  private *registerGroup(group: Ptr): Sleepable<number> {
    const { space } = this.k;
    for (let at = group; group !== 0 && space.loadPtr(at) !== 0; at += 8) {
      const error = yield* this.register(space.loadPtr(at));
      if (error === 0) continue;
      yield* this.unregisterGroup(group);
      return error;
    }
    return 0;
  }

  private *unregisterGroup(group: Ptr): Sleepable<void> {
    const { space } = this.k;
    let end = group;
    while (end !== 0 && space.loadPtr(end) !== 0) end += 8;
    for (let at = end - 8; at >= group && group !== 0; at -= 8) yield* this.unregister(space.loadPtr(at));
  }

  private fwnodeOf(origin: Ptr): Ptr {
    for (const [fwnode, node] of this.nodes) if (node.origin === origin && origin !== 0) return fwnode;
    return 0;
  }

  *addToDevice(device: Ptr, node: Ptr): Sleepable<number> {
    let fwnode = this.fwnodeOf(node);
    if (fwnode === 0) {
      const error = yield* this.register(node);
      if (error) return error;
      fwnode = this.fwnodeOf(node);
    } else this.k.get(Kobjects).get(this.k.struct('swnode').addr(this.nodes.get(fwnode)!.swnode, 'kobj'));
    this.setSecondary(device, fwnode);
    return 0;
  }

  /** device_remove_software_node() */
  *removeFromDevice(device: Ptr): Sleepable<void> {
    const type = this.k.struct('device');
    const primary = type.get(device, 'fwnode');
    if (!this.nodes.has(primary)) return;
    type.set(device, 'fwnode', 0);
    yield* this.remove(primary);
  }

  /** set_secondary_fwnode(), which is the primary one on a device that has no other. */
  private setSecondary(device: Ptr, fwnode: Ptr): void {
    const type = this.k.struct('device');
    const primary = type.get(device, 'fwnode');
    if (primary === 0) type.set(device, 'fwnode', fwnode);
    else this.k.struct('fwnode_handle').set(primary, 'secondary', fwnode);
  }

  /** property_entries_dup(): values of their own too. */
  private duplicate(properties: Ptr): Ptr {
    const { k } = this;
    if (properties === 0) return 0;
    const type = k.struct('property_entry');
    const entries = this.entries(properties);
    const bytes = (entries.length + 1) * type.size;
    const copy = k.slab.allocateBytes(bytes, true);
    k.space.writable(copy, bytes - type.size).set(k.space.readable(properties, bytes - type.size));
    entries.forEach((entry, index) => {
      const at = copy + index * type.size;
      type.set(at, 'name', this.copyBytes(type.get(at, 'name'), entry.name.length + 1));
      if (!type.get(at, 'is_inline') && entry.length > 0)
        type.set(at, 'pointer', this.copyBytes(entry.value, entry.length));
    });
    return copy;
  }

  private copyBytes(from: Ptr, size: number): Ptr {
    const copy = this.k.slab.allocateBytes(size, false);
    this.k.space.writable(copy, size).set(this.k.space.readable(from, size));
    return copy;
  }

  private freeProperties(properties: Ptr): void {
    const { k } = this;
    if (properties === 0) return;
    const type = k.struct('property_entry');
    for (let at = properties; type.get(at, 'name') !== 0; at += type.size) {
      if (!type.get(at, 'is_inline') && type.get(at, 'length') > 0) k.slab.free(type.get(at, 'pointer'));
      k.slab.free(type.get(at, 'name'));
    }
    k.slab.free(properties);
  }

  private release(kobj: Ptr): void {
    const type = this.k.struct('swnode');
    const swnode = type.of(kobj, 'kobj');
    const fwnode = type.addr(swnode, 'fwnode');
    const node = this.nodes.get(fwnode);
    if (node?.ownsProperties) this.freeProperties(node.properties);
    this.nodes.delete(fwnode);
    if (type.get(swnode, 'parent') !== 0) list.del(this.k.space, type.addr(swnode, 'entry'));
    this.k.slab.free(swnode);
  }
}
