import { describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import type { Argument } from '../../kernel/abi/guest-calls.js';
import { imageTarget } from '../../testing/targets.js';
import { EADDRNOTAVAIL, EAGAIN, ENETUNREACH } from '../errno.js';
import { NetDevices } from '../net/core/netdevices.js';
import { SkbAllocation } from '../net/core/skb-alloc.js';
import { type Guest, guest } from '../testing/guest.js';

const target = await imageTarget();
const GFP_KERNEL = 0xcc0;
const OWN = 0x0100_000a;
const PEER = 0x0200_000a;
const SIOCSIFADDR = 0x8916;
const SIOCSIFNETMASK = 0x891c;
const AF_INET = 2;
const SOCK_DGRAM = 2;
const IPPROTO_UDP = 17;
const IFF_NOARP = 0x80;
const MSG_DONTWAIT = 0x40;
const WRITE = 1;
const READ = 0;
/** An alignment that takes nothing away. */
const ANY = 0xffff_ffff;
const KILOBYTES_OF_A_FRAGMENT = 2;

interface World extends Guest {
  /** test0, a device whose driver notes what it is given to send. */
  readonly dev: Ptr;
  readonly sent: number[][];
  readonly text: (text: string) => Ptr;
  readonly locked: <T>(body: () => T) => T;
}

function world(queues = 1): World {
  const machine = guest({}, target!);
  const { k, call, struct } = machine;
  const sent: number[][] = [];
  const xmit = k.exports.hostFunction('test_xmit', 'i:pp', function* (skb: Ptr) {
    const type = k.struct('sk_buff');
    const linear = type.get(skb, 'len') - type.get(skb, 'data_len');
    sent.push([...k.space.readable(type.get(skb, 'data'), linear)]);
    yield* k.get(SkbAllocation).unref(skb);
    return 0;
  });
  const text = (words: string): Ptr => k.constantString(words);
  const dev = call.alloc_netdev_mqs(0, text('test0'), 1, k.fn('ether_setup'), queues, 1);
  const type = k.struct('net_device');
  type.set(dev, 'netdev_ops', struct.net_device_ops({ ndo_start_xmit: xmit }));
  type.set(dev, 'flags', type.get(dev, 'flags') | IFF_NOARP);
  expect(call.register_netdev(dev)).toBe(0);
  const locked = <T>(body: () => T): T => {
    call.rtnl_lock();
    const result = body();
    call.rtnl_unlock();
    return result;
  };
  return { ...machine, dev, sent, text, locked };
}

/** ifconfig test0 10.0.0.1/24 up */
function configure({ k, call, dev, locked }: World): void {
  for (const [request, value] of [
    [SIOCSIFADDR, OWN],
    [SIOCSIFNETMASK, 0x00ff_ffff],
  ]) {
    const ifr = k.slab.allocateBytes(40, true);
    k.space.bytes.set(new TextEncoder().encode('test0'), ifr);
    k.space.store16(ifr + 16, AF_INET);
    k.space.store32(ifr + 20, value);
    expect(call.devinet_ioctl(k.symbol('init_net'), request, ifr)).toBe(0);
  }
  expect(locked(() => call.dev_open(dev, 0))).toBe(0);
}

function packet({ call }: Guest, dev: Ptr, bytes: number): Ptr {
  const skb = call.__netdev_alloc_skb(dev, bytes, GFP_KERNEL);
  call.skb_put(skb, bytes);
  return skb;
}

describe.skipIf(target === undefined)('traffic control, as the target has it', () => {
  it('makes a discipline of a built-in kind that keeps packets in order', () => {
    const machine = world();
    const { k, call, run, dev, locked } = machine;
    const type = k.struct('Qdisc');
    const method = (qdisc: Ptr, name: string, ...args: Argument[]): number =>
      run(() => type.call(qdisc, name, ...args));
    const queue = k.struct('net_device').get(dev, '_tx');
    const qdisc = call.qdisc_create_dflt(queue, k.symbol('pfifo_qdisc_ops'), 0x1_0000, 0);
    const packets = [packet(machine, dev, 60), packet(machine, dev, 70)];
    for (const skb of packets) expect(method(qdisc, 'enqueue', skb, qdisc, k.permanent(8))).toBe(0);
    expect(type.get(qdisc, 'q.qlen')).toBe(2);
    expect(packets.map(() => method(qdisc, 'dequeue', qdisc))).toEqual(packets);
    expect(method(qdisc, 'dequeue', qdisc)).toBe(0);
    const limited = call.fifo_create_dflt(qdisc, k.symbol('bfifo_qdisc_ops'), 5000, 0);
    expect(type.get(limited, 'limit')).toBe(5000);
    for (const skb of packets) call.consume_skb(skb);
    locked(() => [limited, qdisc].map((one) => call.qdisc_put(one)));
    expect(k.native?.use.subsystems).toContain('traffic-control');
    expect(machine.reports()).toEqual([]);
  });

  it('makes a block of filters of a discipline, and lets go of it', () => {
    const machine = world();
    const { k, call, dev, sleep } = machine;
    const queue = k.struct('net_device').get(dev, '_tx');
    const qdisc = call.qdisc_create_dflt(queue, k.symbol('pfifo_qdisc_ops'), 0x1_0000, 0);
    const slot = k.permanent(8);
    expect(call.tcf_block_get(slot, k.permanent(8), qdisc, 0)).toBe(0);
    const block = k.space.loadPtr(slot);
    expect(k.struct('tcf_block').get(block, 'q')).toBe(qdisc);
    call.tcf_block_put(block);
    sleep(1e9);
    expect(machine.reports()).toEqual([]);
  });

  it('counts the uses of an action, the last of which ends it', () => {
    const machine = world();
    const { k, call, struct } = machine;
    const noop = k.exports.hostFunction('test_action', 'i:ppp', () => 0);
    const size = k.sizeOf('tc_action');
    const ops = struct.tc_action_ops({ act: noop, dump: noop, init: noop, id: 99, size });
    k.struct('tc_action_ops').setText(ops, 'kind', 'test');
    const idrinfo = struct.tcf_idrinfo();
    const table = k.struct('tcf_idrinfo');
    call.__mutex_init(table.addr(idrinfo, 'lock'), 0, 0);
    table.set(idrinfo, 'action_idr.idr_base', 1);
    table.set(idrinfo, 'action_idr.idr_rt.xa_flags', 0x0400_0004);
    const net = struct.tc_action_net({ idrinfo, ops });
    const [index, slot] = [k.permanent(4), k.permanent(8)];
    expect(call.tcf_idr_check_alloc(net, index, slot, 0)).toBe(0);
    expect(k.space.load32(index)).toBe(1);
    expect(call.tcf_idr_create(net, 1, 0, slot, ops, 0, 0, 0)).toBe(0);
    const action = k.space.loadPtr(slot);
    expect(k.struct('tc_action').get(action, 'tcfa_refcnt.refs.counter')).toBe(1);
    expect(call.tcf_action_check_ctrlact(0, 0, slot, 0)).toBe(0);
    expect(call.tcf_idr_release(action, 0)).toBe(1);
    call.tcf_idrinfo_destroy(ops, idrinfo);
    expect(machine.reports()).toEqual([]);
  });
});

describe.skipIf(target === undefined)('packets, as the target has them', () => {
  it('are built of pieces of pages, which go when the last piece does', () => {
    const machine = world();
    const { k, call } = machine;
    const type = k.struct('sk_buff');
    for (let i = 0; i < 3; i++) {
      const bytes = KILOBYTES_OF_A_FRAGMENT * 1024;
      const data = call[i % 2 ? '__netdev_alloc_frag_align' : '__napi_alloc_frag_align'](bytes, ANY);
      const skb = call.napi_build_skb(data, bytes);
      expect([type.get(skb, 'head'), type.get(skb, 'head_frag')]).toEqual([data, 1]);
      call.skb_put(skb, 500);
      expect(call.___pskb_trim(skb, 100)).toBe(0);
      expect(type.get(skb, 'len')).toBe(100);
      call.consume_skb(skb);
    }
    expect(machine.reports()).toEqual([]);
  });

  it('are sent by netpoll, with the headers of UDP', () => {
    const machine = world();
    const { k, call, struct, sent, text } = machine;
    const type = k.struct('netpoll');
    const np = struct.netpoll({ local_port: 1000, remote_port: 2000, name: text('test') });
    type.setText(np, 'dev_name', 'test0');
    k.space.store32(type.addr(np, 'local_ip'), OWN);
    k.space.store32(type.addr(np, 'remote_ip'), PEER);
    expect(call.netpoll_setup(np)).toBe(0);
    expect(call.netpoll_send_skb(np, packet(machine, machine.dev, 60))).toBe(0);
    call.netpoll_send_udp(np, text('hello'), 5);
    // As on the real kernel, which asks that nobody interrupts.
    expect(machine.reports().map(({ message }) => message)).toEqual([
      expect.stringMatching(/^WARNING: CPU: 0 PID: \d+ at net\/core\/netpoll\.c:\d+ netpoll_send_udp/),
    ]);
    const [other, udp] = sent;
    expect(other).toHaveLength(60);
    expect(udp.slice(12, 16)).toEqual([8, 0, 0x45, 0]);
    expect(udp.slice(26, 38)).toEqual([10, 0, 0, 1, 10, 0, 0, 2, 0x03, 0xe8, 0x07, 0xd0]);
    expect(String.fromCharCode(...udp.slice(42))).toBe('hello');
    call.netpoll_cleanup(np);
    machine.sleep(1e9);
    expect(machine.reports()).toEqual([]);
  });

  it('are sent over the queue that is the processor’s, until there are fewer', () => {
    const machine = world(4);
    const { k, call, dev, locked } = machine;
    const mask = k.permanent(1024);
    k.space.bytes[mask] = 1;
    expect(call.netif_set_xps_queue(dev, mask, 3)).toBe(0);
    const maps = k.struct('net_device').addr(dev, 'xps_maps');
    expect(k.space.loadPtr(maps)).not.toBe(0);
    expect(locked(() => call.netif_set_real_num_tx_queues(dev, 2))).toBe(0);
    expect(k.space.loadPtr(maps)).toBe(0);
    expect(call.rps_may_expire_flow(dev, 0, 1, 0)).toBe(1);
    call.xdp_do_flush();
    call.unregister_netdev(dev);
    expect(machine.reports()).toEqual([]);
  });
});

describe.skipIf(target === undefined)('addresses that a device is told of', () => {
  it('are those of its list, each once, and taken back with it', () => {
    const machine = world();
    const { k, call, dev } = machine;
    const told: string[] = [];
    const tell = (name: string, sign: string): Ptr =>
      k.exports.hostFunction(name, 'i:pp', (_dev: Ptr, address: Ptr) => {
        told.push(`${sign}${k.space.bytes[address + 5]}`);
        return 0;
      });
    const [sync, unsync] = [tell('test_sync', '+'), tell('test_unsync', '-')];
    const address = (last: number): Ptr => {
      const at = k.permanent(8);
      k.space.bytes.set([1, 0, 0x5e, 0, 0, last], at);
      return at;
    };
    for (const last of [1, 2]) expect(call.dev_mc_add(dev, address(last))).toBe(0);
    const list = k.struct('net_device').addr(dev, 'mc');
    for (let i = 0; i < 2; i++) expect(call.__hw_addr_sync_dev(list, dev, sync, unsync)).toBe(0);
    expect(told).toEqual(['+1', '+2']);
    expect(call.dev_mc_del(dev, address(1))).toBe(0);
    expect(call.__hw_addr_sync_dev(list, dev, sync, unsync)).toBe(0);
    call.__hw_addr_unsync_dev(list, dev, unsync);
    expect(told).toEqual(['+1', '+2', '-1', '-2']);
    expect(k.struct('net_device').get(dev, 'mc.count')).toBe(1);
    expect(machine.reports()).toEqual([]);
  });
});

describe.skipIf(target === undefined)('rtnetlink and netlink, as the target has them', () => {
  it('make a link of a kind, set it up and delete it', () => {
    const machine = world();
    const { k, call, struct, dev, text, locked } = machine;
    const device = k.struct('net_device');
    const setup = k.exports.hostFunction('test_setup', 'v:p', (link: Ptr) => {
      device.set(link, 'netdev_ops', device.get(dev, 'netdev_ops'));
      device.set(link, 'needs_free_netdev', 1);
    });
    const ops = struct.rtnl_link_ops({ kind: text('test'), setup });
    expect(call.rtnl_link_register(ops)).toBe(0);
    locked(() => {
      const link = call.rtnl_create_link(k.symbol('init_net'), text('link0'), 1, ops, k.permanent(1024), 0);
      expect(call.register_netdevice(link)).toBe(0);
      expect(call.rtnl_configure_link(link, 0, 0, 0)).toBe(0);
      expect(device.get(link, 'rtnl_link_state')).toBe(k.enumValue('RTNL_LINK_INITIALIZED'));
      expect(k.get(NetDevices).named('link0')).toBe(link);
      expect(call.rtnl_delete_link(link, 0, 0)).toBe(0);
    });
    expect(k.get(NetDevices).named('link0')).toBe(0);
    call.rtnl_link_unregister(ops);
    expect(machine.reports()).toEqual([]);
  });

  it('tell nobody where nobody listens, and let messages be tapped', () => {
    const machine = world();
    const { k, call, struct, dev } = machine;
    const family = struct.genl_family({ n_mcgrps: 1 });
    const info = struct.genl_info();
    k.struct('genl_info').set(info, '_net.net', k.symbol('init_net'));
    call.genl_notify(family, call.__alloc_skb(200, GFP_KERNEL, 0, -1), info, 0, GFP_KERNEL);
    k.struct('net_device').set(dev, 'type', 824);
    const tap = struct.netlink_tap({ dev });
    expect([call.netlink_add_tap(tap), call.netlink_remove_tap(tap)]).toEqual([0, 0]);
    expect(machine.reports()).toEqual([]);
  });
});

describe.skipIf(target === undefined)('sockets and routes, as the target has them', () => {
  it('send what TypeScript’s UDP socket is given over the route, with headers and checksums', () => {
    const machine = world();
    const { k, call, struct, text, sent } = machine;
    configure(machine);
    const slot = k.permanent(8);
    expect(call.sock_create_kern(k.symbol('init_net'), AF_INET, SOCK_DGRAM, IPPROTO_UDP, slot)).toBe(0);
    const socket = k.space.loadPtr(slot);
    const to = k.permanent(16);
    k.space.store16(to, AF_INET);
    k.space.store16(to + 2, 0x0100);
    k.space.store32(to + 4, PEER);
    const message = (direction: number): Ptr => {
      const msg = struct.msghdr(direction === WRITE ? { msg_name: to, msg_namelen: 16 } : {});
      const vector = k.permanent(16);
      k.space.storePtr(vector, direction === WRITE ? text('hello') : k.permanent(8));
      k.space.store32(vector + 8, 5);
      call.iov_iter_kvec(k.struct('msghdr').addr(msg, 'msg_iter'), direction, vector, 1, 5);
      return msg;
    };
    expect(call.sock_sendmsg(socket, message(WRITE))).toBe(5);
    expect(call.sock_recvmsg(socket, message(READ), MSG_DONTWAIT)).toBe(-EAGAIN);
    call.sock_release(socket);
    expect(machine.reports()).toEqual([]);
    const [frame] = sent;
    const header = frame.slice(14, 34);
    expect([header[0], header[3], header[9]]).toEqual([0x45, 33, IPPROTO_UDP]);
    expect(header.slice(12)).toEqual([10, 0, 0, 1, 10, 0, 0, 2]);
    expect(sumOf(header)).toBe(0xffff);
    const pseudo = [...header.slice(12), 0, IPPROTO_UDP, 0, 13];
    expect(sumOf([...pseudo, ...frame.slice(34), 0])).toBe(0xffff);
    expect(String.fromCharCode(...frame.slice(42))).toBe('hello');
  });

  it('lead nowhere over IPv6 while no device has an address', () => {
    const machine = world();
    const { k, call, struct } = machine;
    const net = k.symbol('init_net');
    const lo = k.get(NetDevices).named('lo');
    const flow = struct.flowi6();
    const peer = k.struct('flowi6').addr(flow, 'daddr');
    k.space.bytes[peer + 15] = 9;
    const route = call.ip6_route_output_flags(net, 0, flow, 0);
    expect(k.struct('dst_entry').get(route, 'error')).toBe(-ENETUNREACH);
    expect(call.ipv6_chk_addr(net, peer, 0, 0)).toBe(0);
    expect(call.ipv6_dev_get_saddr(net, lo, peer, 0, k.permanent(16))).toBe(-EADDRNOTAVAIL);
    expect(call.rt6_lookup(net, peer, 0, 0, 0, 0)).toBe(0);
    expect(machine.reports()).toEqual([]);
  });
});

/** The Internet checksum before it is inverted: all ones where a sum that is in the bytes is right. */
function sumOf(bytes: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i] * 256 + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}
