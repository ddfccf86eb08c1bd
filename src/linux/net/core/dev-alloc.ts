import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { list } from '../../abi/list.js';
import { putDevice } from '../../drivers/base/device.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { DeviceAddressLists } from './dev-addr-lists.js';
import { NetDevices } from './netdevices.js';

/** Alignment of a net_device and of the driver's data behind it (NETDEV_ALIGN). */
const NETDEV_ALIGN = 32;
export const TX_QUEUE_LEN = 1000;
const GSO_MAX_SIZE = 65536;
const GSO_MAX_SEGS = 65535;
const LIST_HEADS = [
  'napi_list',
  'unreg_list',
  'close_list',
  'link_watch_list',
  'adj_list.upper',
  'adj_list.lower',
  'ptype_all',
  'ptype_specific',
  'net_notifier_list',
  'todo_list',
  'dev_list',
] as const;

/** Allocation and release of network devices (net/core/dev.c, net/ethernet/eth.c). */
export class DeviceAllocation implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    alloc_netdev_mqs: (
      privateSize: number,
      name: Ptr,
      assignType: number,
      setup: Ptr,
      txQueues: number,
      rxQueues: number,
    ) => this.allocate(privateSize, this.k.space.cstring(name), assignType, setup, txQueues, rxQueues),
    alloc_etherdev_mqs: (privateSize: number, txQueues: number, rxQueues: number) =>
      this.allocate(privateSize, 'eth%d', 0, this.k.fn('ether_setup'), txQueues, rxQueues),
    free_netdev: (dev: Ptr) => this.free(dev),
    init_dummy_netdev: (dev: Ptr) => this.initDummy(dev),
  };

  /** alloc_netdev_mqs(): a device with its driver's data behind it, set up by the driver; 0 if there is no memory. */
  *allocate(
    privateSize: number,
    name: string,
    assignType: number,
    setup: Ptr,
    txQueues: number,
    rxQueues: number,
  ): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('net_device');
    if (txQueues < 1 || rxQueues < 1) {
      const which = txQueues < 1 ? 'zero queues' : 'zero RX queues';
      k.log.line(`alloc_netdev: Unable to allocate device with ${which}`, LOGLEVEL_ERR);
      return 0;
    }
    const size = align(type.size) + privateSize + NETDEV_ALIGN - 1;
    const memory = k.slab.allocateBytes(size, true);
    if (memory === 0) return 0;
    // Kernels without `padded` keep the device at the start of its memory, which is aligned enough there.
    const dev = type.has('padded') ? align(memory) : memory;
    if (type.has('padded')) type.set(dev, 'padded', dev - memory);
    if (type.has('pcpu_refcnt')) type.set(dev, 'pcpu_refcnt', k.percpu.allocate(4, 4));
    k.get(NetDevices).hold(dev);
    if (k.get(DeviceAddressLists).init(dev) !== 0) return 0;
    if (type.has('nd_net.net')) type.set(dev, 'nd_net.net', k.symbol('init_net'));
    type.set(dev, 'gso_max_size', GSO_MAX_SIZE);
    type.set(dev, 'gso_max_segs', GSO_MAX_SEGS);
    for (const field of ['gro_max_size', 'tso_max_size', 'gso_ipv4_max_size', 'gro_ipv4_max_size'])
      if (type.has(field)) type.set(dev, field, GSO_MAX_SIZE);
    if (type.has('tso_max_segs')) type.set(dev, 'tso_max_segs', GSO_MAX_SEGS);
    if (type.has('upper_level')) {
      type.set(dev, 'upper_level', 1);
      type.set(dev, 'lower_level', 1);
    }
    for (const head of LIST_HEADS) if (type.has(head)) list.init(k.space, type.addr(dev, head));
    type.set(
      dev,
      'priv_flags',
      k.enumValue('IFF_XMIT_DST_RELEASE') + k.enumValue('IFF_XMIT_DST_RELEASE_PERM'),
    );
    yield* k.callAs('v:p', setup, dev);
    if (type.get(dev, 'tx_queue_len') === 0) {
      type.set(dev, 'priv_flags', type.get(dev, 'priv_flags') + k.enumValue('IFF_NO_QUEUE'));
      type.set(dev, 'tx_queue_len', TX_QUEUE_LEN);
    }
    this.allocateQueues(dev, txQueues, rxQueues);
    type.setText(dev, 'name', name);
    type.set(dev, 'name_assign_type', assignType);
    type.set(dev, 'group', 0);
    if (type.get(dev, 'ethtool_ops') === 0 && k.hasSymbol('default_ethtool_ops'))
      type.set(dev, 'ethtool_ops', k.symbol('default_ethtool_ops'));
    return dev;
  }

  private allocateQueues(dev: Ptr, txQueues: number, rxQueues: number): void {
    const { k } = this;
    const type = k.struct('net_device');
    const tx = k.struct('netdev_queue');
    const queues = k.slab.allocateBytes(tx.size * txQueues, true);
    for (let i = 0; i < txQueues; i++) {
      const queue = queues + i * tx.size;
      tx.set(queue, 'dev', dev);
      tx.set(queue, 'xmit_lock_owner', -1);
      if (tx.has('numa_node')) tx.set(queue, 'numa_node', -1);
    }
    type.set(dev, '_tx', queues);
    type.set(dev, 'num_tx_queues', txQueues);
    type.set(dev, 'real_num_tx_queues', txQueues);
    const rx = k.struct('netdev_rx_queue');
    const receive = k.slab.allocateBytes(rx.size * rxQueues, true);
    for (let i = 0; i < rxQueues; i++) rx.set(receive + i * rx.size, 'dev', dev);
    type.set(dev, '_rx', receive);
    type.set(dev, 'num_rx_queues', rxQueues);
    type.set(dev, 'real_num_rx_queues', rxQueues);
  }

  /** free_netdev(): the device's parts; its own memory goes with the last reference in sysfs. */
  *free(dev: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('net_device');
    const state = type.get(dev, 'reg_state');
    if (state === k.enumValue('NETREG_UNREGISTERING')) {
      type.set(dev, 'needs_free_netdev', 1);
      return;
    }
    for (const field of ['_tx', '_rx', 'ingress_queue'])
      if (type.get(dev, field) !== 0) k.slab.free(type.get(dev, field));
    type.set(dev, '_tx', 0);
    type.set(dev, '_rx', 0);
    k.get(DeviceAddressLists).flushAll(dev);
    this.dropNapi(dev);
    if (type.has('pcpu_refcnt')) this.freePerCpu(dev, 'pcpu_refcnt');
    if (type.has('core_stats')) this.freePerCpu(dev, 'core_stats');
    if (state === k.enumValue('NETREG_UNINITIALIZED') || state === k.enumValue('NETREG_DUMMY')) {
      this.freeMemory(dev);
      return;
    }
    if (state !== k.enumValue('NETREG_UNREGISTERED'))
      warn(
        k,
        `kernel BUG at net/core/dev.c: free_netdev of a registered device`,
        'net/core/dev.c',
        'free_netdev',
      );
    type.set(dev, 'reg_state', k.enumValue('NETREG_RELEASED'));
    yield* putDevice(k, type.addr(dev, 'dev'));
  }

  /** netdev_freemem(): the memory that alloc_netdev_mqs() got. */
  freeMemory(dev: Ptr): void {
    const type = this.k.struct('net_device');
    this.k.slab.free(type.has('padded') ? dev - type.get(dev, 'padded') : dev);
  }

  private dropNapi(dev: Ptr): void {
    const { k } = this;
    const head = k.struct('net_device').addr(dev, 'napi_list');
    for (const node of list.entries(k.space, head)) list.delInit(k.space, node);
  }

  private freePerCpu(dev: Ptr, field: string): void {
    const type = this.k.struct('net_device');
    const offset = type.get(dev, field);
    if (offset !== 0) this.k.percpu.free(offset);
    type.set(dev, field, 0);
  }

  /** A device that is never registered, only there to carry NAPI contexts. */
  private initDummy(dev: Ptr): number {
    const { k } = this;
    const type = k.struct('net_device');
    k.space.writable(dev, type.size).fill(0);
    type.set(dev, 'reg_state', k.enumValue('NETREG_DUMMY'));
    list.init(k.space, type.addr(dev, 'napi_list'));
    const present = k.enumValue('__LINK_STATE_PRESENT');
    const start = k.enumValue('__LINK_STATE_START');
    type.set(dev, 'state', 2 ** present + 2 ** start);
    if (type.has('nd_net.net')) type.set(dev, 'nd_net.net', k.symbol('init_net'));
    return 0;
  }
}

function align(value: number): number {
  return Math.ceil(value / NETDEV_ALIGN) * NETDEV_ALIGN;
}
