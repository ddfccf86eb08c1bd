import { beforeEach, describe, expect, it } from 'vitest';
import type { Ptr } from '../../../cpu/layout.js';
import { type Guest, guest } from '../../testing/guest.js';
import { DeviceAllocation } from './dev-alloc.js';
import { NetDevices } from './netdevices.js';

/** A protocol of nobody's, in network order. */
const PROTOCOL = 0xcd_ab;
const ALL = 0x0300;
const NET_RX_DROP = 1;
const RX_HANDLER_CONSUMED = 0;
const RX_HANDLER_PASS = 3;

describe('received packets', () => {
  let g: Guest;
  let lo: Ptr;
  let handlers = 0;

  beforeEach(() => {
    g = guest();
    lo = g.k.get(NetDevices).named('lo');
    const type = g.k.struct('net_device');
    type.set(lo, 'flags', type.get(lo, 'flags') | g.k.enumValue('IFF_UP'));
  });

  function packet(): Ptr {
    const skb = g.call.__netdev_alloc_skb(lo, 100, 0);
    g.k.struct('sk_buff').set(skb, 'protocol', PROTOCOL);
    g.call.skb_put(skb, 60);
    return skb;
  }

  /** A packet type whose function notes the references that a packet has when it comes, and frees it. */
  function handler(type: number, dev: Ptr = 0): { at: Ptr; seen: number[] } {
    const { k } = g;
    const seen: number[] = [];
    const func = k.exports.hostFunction(`test_rcv_${++handlers}`, 'i:pppp', function* (skb: Ptr) {
      seen.push(k.struct('sk_buff').get(skb, 'users.refs.counter'));
      yield { kind: 'call', fn: k.fn('consume_skb'), args: [skb] };
      return 0;
    });
    const at = g.struct.packet_type({ type, dev, func });
    g.call.dev_add_pack(at);
    return { at, seen };
  }

  it('reach taps and the handlers of their protocol; the last has the packet for itself', () => {
    const tap = handler(ALL);
    const mine = handler(PROTOCOL);
    const other = handler(0x0608);
    expect(g.call.netif_receive_skb(packet())).toBe(0);
    expect(tap.seen).toEqual([2]);
    expect(mine.seen).toEqual([1]);
    expect(other.seen).toEqual([]);
    expect(g.reports()).toEqual([]);
  });

  it('that nobody handles are dropped and freed', () => {
    g.call.netif_receive_skb(packet());
    const used = g.k.ledger.bytes;
    expect(g.call.netif_receive_skb(packet())).toBe(NET_RX_DROP);
    expect(g.k.ledger.bytes).toBe(used);
  });

  it('by netif_rx() are handled later, in a softirq', () => {
    const mine = handler(PROTOCOL);
    expect(g.call.netif_rx(packet())).toBe(0);
    g.sleep(1e6);
    expect(mine.seen).toEqual([1]);
  });

  it('of a device that is down are dropped', () => {
    const type = g.k.struct('net_device');
    type.set(lo, 'flags', 0);
    expect(g.call.netif_rx(packet())).toBe(NET_RX_DROP);
  });

  it('go to the handlers of one device only where they came from that', () => {
    const { k } = g;
    const setup = k.exports.hostFunction('test_setup', 'v:p', () => {});
    const elsewhere = g.run(() => k.get(DeviceAllocation).allocate(0, 'other', 1, setup, 1, 1));
    const there = handler(PROTOCOL, elsewhere);
    const here = handler(PROTOCOL, lo);
    g.call.napi_gro_receive(g.struct.napi_struct(), packet());
    expect([here.seen, there.seen]).toEqual([[1], []]);
  });

  it('come to the rx handler of their device first, which may take them', () => {
    const { k } = g;
    const mine = handler(PROTOCOL);
    let answer = RX_HANDLER_PASS;
    const take = k.exports.hostFunction('test_rx_handler', 'u:p', (slot: Ptr) => {
      if (answer === RX_HANDLER_CONSUMED) k.slab.free(k.space.loadPtr(slot));
      return answer;
    });
    g.call.rtnl_lock();
    expect(g.call.netdev_rx_handler_register(lo, take, 0)).toBe(0);
    g.call.netif_receive_skb(packet());
    expect(mine.seen).toEqual([1]);
    answer = RX_HANDLER_CONSUMED;
    expect(g.call.netif_receive_skb(packet())).toBe(0);
    expect(mine.seen).toEqual([1]);
  });
});
