import type { Ptr } from '../../../cpu/layout.js';
import { partly } from '../../../kernel/abi/fidelity.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { Unimplemented } from '../../../kernel/errors.js';
import { LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { withLocals } from '../../../kernel/task/locals.js';
import { list } from '../../abi/list.js';
import type { LinuxKernel } from '../../kernel.js';
import { SoftirqQueue } from '../../softirq-queue.js';
import type { Subsystem } from '../../subsystem.js';
import { servingSoftirq } from '../../time/softirq-context.js';
import { ETH_HLEN, Ethernet } from './eth.js';
import { NetDevices } from './netdevices.js';
import { PacketTypes } from './packet-types.js';
import { SkbAllocation } from './skb-alloc.js';
import { SkbData } from './skb-data.js';
import { SkBuffs } from './skbuff.js';

// include/linux/netdevice.h
const NET_RX_SUCCESS = 0;
const NET_RX_DROP = 1;
/** transport_header of a packet that has none yet. */
const NO_HEADER = 0xffff;
/** ETH_P_8021Q and ETH_P_8021AD in network order. */
const TAGGED = new Set([0x0081, 0xa888]);

const ALONE = 'packets reach handlers of modules alone: there is no stack of protocols';

/** What an rx_handler made of a packet, or that the packet is to be looked at as its new device's. */
type Handled = 'consumed' | 'another' | 'exact' | 'pass';

/** How received packets get from a driver to those who handle their protocol (net/core/dev.c, net/core/gro.c). */
export class Reception implements Subsystem {
  private readonly buffers: SkBuffs;

  constructor(private readonly k: LinuxKernel) {
    this.buffers = new SkBuffs(k);
  }

  readonly exports = {
    netif_rx: partly(ALONE, (skb: Ptr) => this.queue(skb)),
    __netif_rx: partly(ALONE, (skb: Ptr) => this.queue(skb)),
    netif_receive_skb: partly(ALONE, (skb: Ptr) => this.receive(skb)),
    netif_receive_skb_core: partly(ALONE, (skb: Ptr) => this.receive(skb)),
    netif_receive_skb_list: partly(ALONE, (head: Ptr) => this.receiveList(head)),
    netif_receive_skb_list_internal: partly(ALONE, (head: Ptr) => this.receiveList(head)),
    netif_rx_internal: partly(ALONE, (skb: Ptr) => this.queue(skb)),
    napi_gro_frags: partly(`${ALONE}; packets are not merged`, (napi: Ptr) => this.groFrags(napi)),
    napi_gro_receive: partly(`${ALONE}; packets are not merged`, (_napi: Ptr, skb: Ptr) => this.gro(skb)),
  };

  /** netif_rx(): from any context; the packet is handled in a softirq. That of a device that is down is dropped. */
  private *queue(skb: Ptr): Sleepable<number> {
    const { k } = this;
    const dev = this.buffers.skb.get(skb, 'dev');
    if ((k.struct('net_device').get(dev, 'flags') & k.enumValue('IFF_UP')) === 0) {
      yield* k.get(SkbAllocation).unref(skb);
      return NET_RX_DROP;
    }
    k.get(SoftirqQueue).raise('net_rx', () => servingSoftirq(k, this.receive(skb)));
    return NET_RX_SUCCESS;
  }

  private *gro(skb: Ptr): Sleepable<number> {
    yield* this.receive(skb);
    return this.k.enumValue('GRO_NORMAL');
  }

  /** napi_gro_frags(): the packet that napi_get_frags() gave, with its Ethernet header in the first fragment. */
  private *groFrags(napi: Ptr): Sleepable<number> {
    const { k } = this;
    const { skb: type } = this.buffers;
    const context = k.struct('napi_struct');
    const skb = context.get(napi, 'skb');
    context.set(napi, 'skb', 0);
    const missing = ETH_HLEN - this.buffers.linear(skb);
    if (missing > 0 && k.get(SkbData).exports.__pskb_pull_tail(skb, missing) === 0) {
      const name = k.get(NetDevices).name(context.get(napi, 'dev'));
      k.log.line(`napi_gro_frags: dropping impossible skb from ${name}`, LOGLEVEL_WARNING);
      yield* k.get(SkbAllocation).unref(skb);
      return k.enumValue('GRO_CONSUMED');
    }
    type.set(skb, 'protocol', k.get(Ethernet).exports.eth_type_trans(skb, type.get(skb, 'dev')));
    return yield* this.gro(skb);
  }

  private *receiveList(head: Ptr): Sleepable<void> {
    const { skb: type } = this.buffers;
    for (const node of [...list.entries(this.k.space, head)]) {
      const skb = type.of(node, 'list');
      type.set(skb, 'next', 0);
      yield* this.receive(skb);
    }
    list.init(this.k.space, head);
  }

  /** __netif_receive_skb_core(): NET_RX_SUCCESS where somebody took the packet. */
  private *receive(first: Ptr): Sleepable<number> {
    const { k } = this;
    const { skb: type } = this.buffers;
    const origin = type.get(first, 'dev');
    this.resetHeaders(first);
    let skb = first;
    let waiting: Ptr = 0;
    for (;;) {
      const dev = type.get(skb, 'dev');
      type.set(skb, 'skb_iif', this.device.get(dev, 'ifindex'));
      this.refuseTags(skb);
      for (const tap of k.get(PacketTypes).taps(dev)) waiting = yield* this.next(skb, waiting, tap, origin);
      const handler = this.device.get(dev, 'rx_handler');
      if (handler === 0) return yield* this.finish(skb, waiting, origin, false);
      if (waiting !== 0) yield* this.deliver(skb, waiting, origin, true);
      waiting = 0;
      const [handled, now] = yield* this.handle(handler, skb);
      skb = now;
      if (handled === 'consumed') return NET_RX_SUCCESS;
      if (handled !== 'another') return yield* this.finish(skb, waiting, origin, handled === 'exact');
    }
  }

  /** Those who handle the protocol. The last gets the packet itself, the others a reference. */
  private *finish(skb: Ptr, before: Ptr, origin: Ptr, exact: boolean): Sleepable<number> {
    const { k } = this;
    const { skb: type } = this.buffers;
    const dev = type.get(skb, 'dev');
    let waiting = before;
    for (const handler of k.get(PacketTypes).of(type.get(skb, 'protocol'), [dev, origin], exact))
      waiting = yield* this.next(skb, waiting, handler, origin);
    if (waiting !== 0) return yield* this.deliver(skb, waiting, origin, false);
    yield* k.get(SkbAllocation).unref(skb);
    return NET_RX_DROP;
  }

  private *next(skb: Ptr, waiting: Ptr, handler: Ptr, origin: Ptr): Sleepable<Ptr> {
    if (waiting !== 0) yield* this.deliver(skb, waiting, origin, true);
    return handler;
  }

  private *deliver(skb: Ptr, handler: Ptr, origin: Ptr, keep: boolean): Sleepable<number> {
    const { skb: type } = this.buffers;
    if (keep) type.set(skb, 'users.refs.counter', type.get(skb, 'users.refs.counter') + 1);
    return yield* this.k
      .struct('packet_type')
      .call(handler, 'func', skb, type.get(skb, 'dev'), handler, origin);
  }

  private *handle(handler: Ptr, skb: Ptr): Sleepable<readonly [Handled, Ptr]> {
    const { k } = this;
    return yield* withLocals(k, 8, function* (slot) {
      k.space.storePtr(slot, skb);
      const result = yield* k.callAs('rx_handler_func_t', handler, slot);
      const now = k.space.loadPtr(slot);
      const is = (name: string): boolean => result === k.enumValue(`RX_HANDLER_${name}`);
      if (is('CONSUMED')) return ['consumed', now] as const;
      if (is('ANOTHER')) return ['another', now] as const;
      return [is('EXACT') ? 'exact' : 'pass', now] as const;
    });
  }

  private resetHeaders(skb: Ptr): void {
    const { skb: type } = this.buffers;
    const network = this.buffers.headroom(skb);
    type.set(skb, 'network_header', network);
    if (type.get(skb, 'transport_header') === NO_HEADER) type.set(skb, 'transport_header', network);
    type.set(skb, 'mac_len', network - type.get(skb, 'mac_header'));
  }

  private refuseTags(skb: Ptr): void {
    const { skb: type } = this.buffers;
    const tagged = type.has('vlan_present') ? type.get(skb, 'vlan_present') : type.get(skb, 'vlan_all');
    if (tagged !== 0 || TAGGED.has(type.get(skb, 'protocol')))
      throw new Unimplemented('receiving packets with a VLAN tag', '');
  }

  private get device(): StructType {
    return this.k.struct('net_device');
  }
}
