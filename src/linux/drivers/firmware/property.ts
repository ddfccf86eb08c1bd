import type { Ptr } from '../../../cpu/layout.js';
import { nothing, partly } from '../../../kernel/abi/fidelity.js';
import { EINVAL, ENODATA, ENOENT, EOVERFLOW } from '../../errno.js';
import { errPtr, isErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { type Property, SoftwareNodes } from './software-node.js';

/** Device properties (drivers/base/property.c): of software nodes, the only firmware nodes of this machine. */
export class DeviceProperties implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __dev_fwnode: (device: Ptr) => this.nodeOf(device),
    __dev_fwnode_const: (device: Ptr) => this.nodeOf(device),
    fwnode_handle_get: partly('no device has firmware nodes', (node: Ptr) => node),
    fwnode_handle_put: nothing('no device has firmware nodes', undefined),
    set_primary_fwnode: (device: Ptr, node: Ptr) => this.k.struct('device').set(device, 'fwnode', node),
    set_secondary_fwnode: (device: Ptr, node: Ptr) => {
      const type = this.k.struct('device');
      const primary = type.get(device, 'fwnode');
      if (primary !== 0) this.k.struct('fwnode_handle').set(primary, 'secondary', node);
      else type.set(device, 'fwnode', node);
    },
    device_property_present: (device: Ptr, name: Ptr) => this.find(this.nodeOf(device), name) !== undefined,
    fwnode_property_present: (node: Ptr, name: Ptr) => this.find(node, name) !== undefined,
    ...this.integerReaders('device_property_read_', (device) => this.nodeOf(device)),
    ...this.integerReaders('fwnode_property_read_', (node) => node),
    device_property_read_string_array: (device: Ptr, name: Ptr, values: Ptr, count: number) =>
      this.readStrings(this.nodeOf(device), name, values, count),
    fwnode_property_read_string_array: (node: Ptr, name: Ptr, values: Ptr, count: number) =>
      this.readStrings(node, name, values, count),
    device_property_read_string: (device: Ptr, name: Ptr, value: Ptr) =>
      Math.min(0, this.readStrings(this.nodeOf(device), name, value, 1)),
    fwnode_property_read_string: (node: Ptr, name: Ptr, value: Ptr) =>
      Math.min(0, this.readStrings(node, name, value, 1)),
    device_property_match_string: (device: Ptr, name: Ptr, text: Ptr) =>
      this.matchString(this.nodeOf(device), name, text),
    fwnode_property_match_string: (node: Ptr, name: Ptr, text: Ptr) => this.matchString(node, name, text),
    device_get_next_child_node: nothing('no device has firmware nodes', 0),
    device_get_named_child_node: nothing('no device has firmware nodes', 0),
    device_get_child_node_count: nothing('no device has firmware nodes', 0),
    fwnode_get_next_child_node: nothing('no device has firmware nodes', 0),
    fwnode_get_next_available_child_node: nothing('no device has firmware nodes', 0),
    fwnode_get_named_child_node: nothing('no device has firmware nodes', 0),
    fwnode_get_parent: nothing('no device has firmware nodes', 0),
    fwnode_device_is_available: (node: Ptr) => node !== 0,
    fwnode_property_get_reference_args: nothing('no device has firmware nodes', -ENOENT),
    fwnode_find_reference: nothing('no device has firmware nodes', errPtr(ENOENT)),
    fwnode_graph_get_next_endpoint: nothing('no device has firmware nodes', 0),
    fwnode_graph_get_endpoint_by_id: nothing('no device has firmware nodes', 0),
    fwnode_graph_get_endpoint_count: nothing('no device has firmware nodes', 0),
    device_get_phy_mode: nothing('no device has firmware nodes', -EINVAL),
    fwnode_get_phy_mode: nothing('no device has firmware nodes', -EINVAL),
    fwnode_irq_get: nothing('no device has firmware nodes', -EINVAL),
    fwnode_irq_get_byname: nothing('no device has firmware nodes', -EINVAL),
    device_get_dma_attr: () => this.k.enumValue('DEV_DMA_NOT_SUPPORTED'),
    device_dma_supported: nothing('no device has firmware nodes', false),
  };

  /** dev_fwnode() */
  nodeOf(device: Ptr): Ptr {
    return device === 0 ? 0 : this.k.struct('device').get(device, 'fwnode');
  }

  /** device_property_read_u32(): undefined where a device has no such number. */
  integer(device: Ptr, name: string): number | undefined {
    const property = this.named(this.nodeOf(device), name);
    return property && property.length >= 4 ? this.k.space.load32(property.value) : undefined;
  }

  private find(node: Ptr, name: Ptr): Property | undefined {
    return this.named(node, this.k.space.cstring(name));
  }

  private named(node: Ptr, text: string): Property | undefined {
    if (node === 0 || isErr(node)) return undefined;
    const nodes = this.k.get(SoftwareNodes);
    const own = nodes.property(node, text);
    if (own) return own;
    const secondary = this.k.struct('fwnode_handle').get(node, 'secondary');
    return secondary === 0 || isErr(secondary) ? undefined : nodes.property(secondary, text);
  }

  private integerReaders(
    prefix: string,
    node: (object: Ptr) => Ptr,
  ): Record<string, (object: Ptr, name: Ptr, values: Ptr, count: number) => number> {
    const readers: Record<string, (object: Ptr, name: Ptr, values: Ptr, count: number) => number> = {};
    for (const bits of [8, 16, 32, 64])
      readers[`${prefix}u${bits}_array`] = (object, name, values, count) =>
        this.readIntegers(node(object), name, values, count, bits / 8);
    return readers;
  }

  /** Copies values; their number if there is nowhere to put them. */
  private readIntegers(node: Ptr, name: Ptr, values: Ptr, count: number, size: number): number {
    const property = this.find(node, name);
    if (!property) return -EINVAL;
    if (values === 0) return Math.floor(property.length / size);
    const bytes = count * size;
    if (bytes > property.length) return -EOVERFLOW;
    this.k.space.writable(values, bytes).set(this.k.space.readable(property.value, bytes));
    return 0;
  }

  private readStrings(node: Ptr, name: Ptr, values: Ptr, count: number): number {
    const property = this.find(node, name);
    if (!property) return -EINVAL;
    const there = Math.max(1, Math.floor(property.length / 8));
    if (values === 0) return there;
    const taken = Math.min(there, count);
    for (let i = 0; i < taken; i++)
      this.k.space.storePtr(values + i * 8, this.k.space.loadPtr(property.value + i * 8));
    return taken;
  }

  private matchString(node: Ptr, name: Ptr, text: Ptr): number {
    const property = this.find(node, name);
    if (!property) return -EINVAL;
    const wanted = this.k.space.cstring(text);
    for (let i = 0; i * 8 < property.length; i++)
      if (this.k.space.cstring(this.k.space.loadPtr(property.value + i * 8)) === wanted) return i;
    return -ENODATA;
  }
}
