import { describe, expect, it } from 'vitest';
import type { Ptr } from '../../../cpu/layout.js';
import { imageTarget } from '../../../testing/targets.js';
import { EINVAL, ENOTTY } from '../../errno.js';
import { ptrErr } from '../../errors.js';
import { guest } from '../../testing/guest.js';

const target = await imageTarget();

const GFP_KERNEL = 0xcc0;
const ETH_P_IP = 0x0800;
const ETHER_HEADER = 14;

/** Functions of the image that are given structures that TypeScript made, each checked by what it says or leaves behind. */
describe.skipIf(target === undefined)('native functions over structures of TypeScript', () => {
  const machine = guest({}, target!);
  const { k, call, struct } = machine;
  const named = (name: string): Ptr => {
    const device = struct.device();
    call.device_initialize(device);
    k.struct('device').set(device, 'init_name', k.constantString(name));
    k.struct('device').set(
      device,
      'release',
      k.exports.hostFunction(`${name}_release`, 'v:p', () => undefined),
    );
    expect(call.device_add(device)).toBe(0);
    return device;
  };
  const netDevice = (): Ptr => {
    const dev = call.alloc_netdev_mqs(0, k.constantString('net%d'), 0, k.fn('ether_setup'), 1, 1);
    k.struct('net_device').set(dev, 'netdev_ops', struct.net_device_ops());
    expect(call.register_netdev(dev)).toBe(0);
    return dev;
  };
  const netType = k.struct('net_device');
  const dev = netDevice();
  const device = named('dev0');
  const file = call.filp_open(k.constantString('/proc/version'), 0, 0);
  const inode = k.struct('file').get(file, 'f_inode');

  /** A packet with an Ethernet header of zeros but for the protocol, for `dev`. */
  const packet = (): Ptr => {
    const skb = call.__alloc_skb(256, GFP_KERNEL, 0, -1);
    const type = k.struct('sk_buff');
    const data = call.skb_put(skb, 64);
    k.space.writable(data, 64).fill(0);
    k.space.writable(data, 64).set([ETH_P_IP >> 8, ETH_P_IP & 0xff], ETHER_HEADER - 2);
    type.set(skb, 'mac_header', data - type.get(skb, 'head'));
    type.set(skb, 'dev', dev);
    return skb;
  };

  it('net_device', () => {
    const other = netDevice();
    expect(call.dev_get_iflink(dev)).toBe(netType.get(dev, 'ifindex'));
    expect(call.netdev_has_upper_dev_all_rcu(dev, other)).toBe(0);
    expect(call.__dev_set_mtu(dev, 1400)).toBe(0);
    expect(netType.get(dev, 'mtu')).toBe(1400);
    expect(call.l3mdev_master_ifindex_rcu(dev)).toBe(0);
    call.netif_set_tso_max_segs(dev, 7);
    expect(netType.get(dev, 'tso_max_segs')).toBe(7);
    expect(call.netdev_port_same_parent_id(dev, other)).toBe(0);
    expect(call.dev_pick_tx_zero(dev, packet(), 0)).toBe(0);
    expect(machine.reports()).toEqual([]);
  });

  it('sk_buff', () => {
    const skb = packet();
    expect(call.eth_header_parse_protocol(skb)).toBe(((ETH_P_IP & 0xff) << 8) | (ETH_P_IP >> 8));
    expect(call.passthru_features_check(skb, dev, 0x1234)).toBe(0x1234);
    expect(call.skb_clone_sk(skb)).toBe(0);
    const state = struct.skb_seq_state();
    call.skb_prepare_seq_read(skb, 3, 9, state);
    const type = k.struct('skb_seq_state');
    expect([type.get(state, 'lower_offset'), type.get(state, 'upper_offset')]).toEqual([3, 9]);
    expect(type.get(state, 'root_skb')).toBe(skb);
    expect(machine.reports()).toEqual([]);
  });

  it('inode and file', () => {
    expect(call.is_bad_inode(inode)).toBe(0);
    expect(call.sock_from_file(file)).toBe(0);
    expect(ptrErr(call.eventfd_ctx_fileget(file))).toBe(-EINVAL);
    expect(call.vfs_ioctl(file, 0, 0)).toBe(-ENOTTY);
    expect(call.bmap(inode, k.permanent(8))).toBe(-EINVAL);
    const other = k.struct('file').get(call.filp_open(k.constantString('/proc/uptime'), 0, 0), 'f_inode');
    call.lock_two_nondirectories(inode, other);
    call.unlock_two_nondirectories(inode, other);
    const name = call.kstrdup_quotable_file(file, GFP_KERNEL);
    expect(k.space.cstring(name)).toBe('/proc/version');
    expect(machine.reports()).toEqual([]);
  });

  it('device', () => {
    expect(call.component_compare_dev(device, device)).toBe(1);
    expect(call.component_compare_dev_name(device, k.constantString('dev0'))).toBe(1);
    expect(call.component_compare_dev_name(device, k.constantString('dev1'))).toBe(0);
    const names = call.devm_kasprintf_strarray(device, k.constantString('line'), 3);
    expect(k.space.cstring(k.space.loadPtr(names + 16))).toBe('line-2');
    const map = call.devm_bitmap_zalloc(device, 64, GFP_KERNEL);
    expect(k.space.load64(map)).toBe(0n);
    expect(call.devm_pm_runtime_set_active_enabled(device)).toBe(0);
    expect(machine.reports()).toEqual([]);
  });

  it('fwnode_handle, as far as what its operations look at is kept', () => {
    const node = call.fwnode_create_software_node(0, 0);
    expect(call.fwnode_count_parents(node)).toBe(0);
    const below = call.fwnode_create_software_node(0, node);
    expect(call.fwnode_count_parents(below)).toBe(1);
    call.fwnode_remove_software_node(below);
    call.fwnode_remove_software_node(node);
    expect(machine.reports()).toEqual([]);
  });

  it('sock', () => {
    const room = k.permanent(8);
    expect(call.sock_create_kern(k.symbol('init_net'), 2, 2, 17, room)).toBe(0);
    const sk = k.struct('socket').get(k.space.loadPtr(room), 'sk');
    call.sk_set_memalloc(sk);
    // SOCK_MEMALLOC is the 14th of enum sock_flags.
    expect(k.struct('sock').get(sk, '__sk_common.skc_flags') & (1 << k.enumValue('SOCK_MEMALLOC'))).not.toBe(
      0,
    );
    expect(machine.reports()).toEqual([]);
  });

  it('request_queue', () => {
    const disk = call.__blk_alloc_disk(-1, 0);
    expect(call.blk_lld_busy(k.struct('gendisk').get(disk, 'queue'))).toBe(0);
    expect(machine.reports()).toEqual([]);
  });

  it('a warning of native code is a warning', () => {
    call.devm_clk_put(device, 0);
    const [report] = machine.reports();
    expect(report).toMatchObject({ kind: 'warning', message: expect.stringMatching(/clk-devres\.c:\d+/) });
  });

  it('ran from the image', () => {
    for (const name of ['dev_get_iflink', 'skb_prepare_seq_read', 'bmap', 'component_compare_dev'])
      expect(k.native?.use.functions).toContain(name);
  });
});
