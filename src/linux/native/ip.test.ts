import { describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { imageTarget } from '../../testing/targets.js';
import { ENETUNREACH } from '../errno.js';
import { errPtr } from '../errors.js';
import { NetDevices } from '../net/core/netdevices.js';
import { SkbAllocation } from '../net/core/skb-alloc.js';
import { guest } from '../testing/guest.js';

const target = await imageTarget();
const LOOPBACK = 0x0100_007f;
const ADDRESS = 0x0100_000a;
const NEIGHBOUR = 0x0200_000a;
const SIOCSIFADDR = 0x8916;
const SIOCSIFNETMASK = 0x891c;
const AF_INET = 2;
const RTN_LOCAL = 2;
const RTN_UNICAST = 1;
const NUD_NOARP = 0x40;
const IFF_NOARP = 0x80;
const IPPROTO_UDP = 17;
const DEFAULT_TTL = 64;

describe.skipIf(target === undefined)('IPv4, as the target has it', () => {
  const machine = guest({}, target!);
  const { k, call, struct } = machine;
  const net = k.symbol('init_net');
  const lo = k.get(NetDevices).named('lo');
  const flow = (daddr: number): Ptr => struct.flowi4({ daddr });
  const rtable = k.struct('rtable');

  const open = (dev: Ptr): void => {
    call.rtnl_lock();
    expect(call.dev_open(dev, 0)).toBe(0);
    call.rtnl_unlock();
  };

  /** ifconfig: an address, or another member of the kind, of a device. */
  const configure = (request: number, name: string, address: number): number => {
    const ifr = k.slab.allocateBytes(40, true);
    k.space.bytes.set(new TextEncoder().encode(name), ifr);
    k.space.store16(ifr + 16, AF_INET);
    k.space.store32(ifr + 20, address);
    return call.devinet_ioctl(net, request, ifr);
  };

  it('has no route while no device is up', () => {
    expect(call.ip_route_output_flow(net, flow(LOOPBACK), 0)).toBe(errPtr(ENETUNREACH));
    expect(call.__ip_dev_find(net, LOOPBACK, 0)).toBe(0);
    expect(k.native?.use.subsystems).toContain('ip');
    expect(machine.reports()).toEqual([]);
  });

  it('gives lo its address, and a route to it, when that comes up', () => {
    open(lo);
    expect(call.__ip_dev_find(net, LOOPBACK, 0)).toBe(lo);
    const wanted = flow(LOOPBACK);
    const route = call.ip_route_output_flow(net, wanted, 0);
    expect(rtable.get(route, 'rt_type')).toBe(RTN_LOCAL);
    expect(k.struct('dst_entry').get(route, 'dev')).toBe(lo);
    expect(k.struct('flowi4').get(wanted, 'saddr')).toBe(LOOPBACK);
    expect(call.inet_addr_type(net, LOOPBACK)).toBe(RTN_LOCAL);
    expect(machine.reports()).toEqual([]);
  });

  it('sends a packet over the route, from the address, of a device that is configured', () => {
    const sent: { readonly protocol: number; readonly header: number[] }[] = [];
    const xmit = k.exports.hostFunction('test_xmit', 'i:pp', function* (skb: Ptr) {
      const type = k.struct('sk_buff');
      const at = type.get(skb, 'head') + type.get(skb, 'network_header');
      sent.push({ protocol: type.get(skb, 'protocol'), header: [...k.space.readable(at, 20)] });
      yield* k.get(SkbAllocation).unref(skb);
      return 0;
    });
    const name = k.permanent(16);
    k.space.bytes.set(new TextEncoder().encode('test0'), name);
    const dev = call.alloc_netdev_mqs(0, name, 1, k.fn('ether_setup'), 1, 1);
    k.struct('net_device').set(dev, 'netdev_ops', struct.net_device_ops({ ndo_start_xmit: xmit }));
    k.struct('net_device').set(dev, 'flags', IFF_NOARP);
    expect(call.register_netdev(dev)).toBe(0);
    expect(configure(SIOCSIFADDR, 'test0', ADDRESS)).toBe(0);
    expect(configure(SIOCSIFNETMASK, 'test0', 0x00ff_ffff)).toBe(0);
    open(dev);
    const wanted = flow(NEIGHBOUR);
    const route = call.ip_route_output_flow(net, wanted, 0);
    expect(rtable.get(route, 'rt_type')).toBe(RTN_UNICAST);
    expect(k.struct('dst_entry').get(route, 'dev')).toBe(dev);

    const sk = k.space.loadPtr(k.percpuSymbol('ipv4_icmp_sk'));
    const skb = call.__alloc_skb(256, 0xcc0, 0, -1);
    k.struct('sk_buff').set(skb, 'data', k.struct('sk_buff').get(skb, 'head') + 64);
    k.struct('sk_buff').set(skb, 'tail', 64);
    call.skb_put(skb, 8);
    k.struct('sk_buff').setBig(skb, '_skb_refdst', k.space.toAddress(route));
    k.struct('inet_sock').set(sk, 'sk.sk_protocol', IPPROTO_UDP);
    expect(call.ip_build_and_send_pkt(skb, sk, ADDRESS, NEIGHBOUR, 0, 0)).toBe(0);
    expect(machine.reports()).toEqual([]);
    expect(sent).toHaveLength(1);
    const [{ protocol, header }] = sent;
    expect(protocol).toBe(0x0008);
    expect([header[0], header[3], header[8], header[9]]).toEqual([0x45, 28, DEFAULT_TTL, IPPROTO_UDP]);
    expect(header.slice(12)).toEqual([10, 0, 0, 1, 10, 0, 0, 2]);
  });

  it('knows a neighbour on lo as one that need not be asked for, and all of them as one', () => {
    const key = k.permanent(4);
    k.space.store32(key, LOOPBACK);
    const entry = call.__neigh_create(k.symbol('arp_tbl'), key, lo, 1);
    expect(k.struct('neighbour').get(entry, 'nud_state')).toBe(NUD_NOARP);
    k.space.store32(key, 0);
    expect(call.neigh_lookup(k.symbol('arp_tbl'), key, lo)).toBe(entry);
    expect(machine.reports()).toEqual([]);
  });
});
