import type { Ptr } from '../../../cpu/layout.js';
import { EADDRNOTAVAIL, EBUSY } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { DeviceAddressLists } from './dev-addr-lists.js';
import { TX_QUEUE_LEN } from './dev-alloc.js';

export const ETH_ALEN = 6;
export const ETH_HLEN = 14;
const ETH_DATA_LEN = 1500;
const ETH_MIN_MTU = 68;
export const ARPHRD_ETHER = 1;
/** struct sockaddr's address starts behind its family. */
const SA_DATA = 2;

/** ETH_P_802_3_MIN: smaller values in the type field are lengths. */
const ETH_P_802_3_MIN = 0x600;
const ETH_P_802_3 = 1;
const ETH_P_802_2 = 4;
const NET_ADDR_SET = 3;

/** Ethernet devices (net/ethernet/eth.c). */
export class Ethernet implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    ether_setup: (dev: Ptr) => this.setup(dev),
    eth_validate_addr: (dev: Ptr) => this.validate(dev),
    eth_mac_addr: (dev: Ptr, address: Ptr) => this.setAddress(dev, address, true),
    eth_prepare_mac_addr_change: (dev: Ptr, address: Ptr) => this.prepare(dev, address),
    eth_commit_mac_addr_change: (dev: Ptr, address: Ptr) => this.setAddress(dev, address, false),
    eth_header_parse: (skb: Ptr, ...rest: Ptr[]) => {
      const address = rest[rest.length - 1];
      const skbuff = this.k.struct('sk_buff');
      const mac = skbuff.get(skb, 'head') + skbuff.get(skb, 'mac_header');
      this.k.space.writable(address, ETH_ALEN).set(this.k.space.readable(mac + ETH_ALEN, ETH_ALEN));
      return ETH_ALEN;
    },
    eth_type_trans: (skb: Ptr, dev: Ptr) => this.typeTrans(skb, dev),
  };

  readonly data = {
    eth_header_ops: (at: Ptr) => {
      const type = this.k.struct('header_ops');
      type.set(at, 'create', this.k.fn('eth_header'));
      type.set(at, 'parse', this.k.fn('eth_header_parse'));
      type.set(at, 'cache', this.k.fn('eth_header_cache'));
      type.set(at, 'cache_update', this.k.fn('eth_header_cache_update'));
    },
  };

  private setup(dev: Ptr): void {
    const { k } = this;
    const type = k.struct('net_device');
    type.set(dev, 'header_ops', k.symbol('eth_header_ops'));
    type.set(dev, 'type', ARPHRD_ETHER);
    type.set(dev, 'hard_header_len', ETH_HLEN);
    type.set(dev, 'min_header_len', ETH_HLEN);
    type.set(dev, 'mtu', ETH_DATA_LEN);
    type.set(dev, 'min_mtu', ETH_MIN_MTU);
    type.set(dev, 'max_mtu', ETH_DATA_LEN);
    type.set(dev, 'addr_len', ETH_ALEN);
    type.set(dev, 'tx_queue_len', TX_QUEUE_LEN);
    type.set(dev, 'flags', k.enumValue('IFF_BROADCAST') | k.enumValue('IFF_MULTICAST'));
    type.set(dev, 'priv_flags', type.get(dev, 'priv_flags') + k.enumValue('IFF_TX_SKB_SHARING'));
    k.space.writable(type.addr(dev, 'broadcast'), ETH_ALEN).fill(0xff);
  }

  private validate(dev: Ptr): number {
    return this.usable(this.k.struct('net_device').get(dev, 'dev_addr')) ? 0 : -EADDRNOTAVAIL;
  }

  private usable(address: Ptr): boolean {
    const bytes = this.k.space.readable(address, ETH_ALEN);
    return (bytes[0] & 1) === 0 && bytes.some((byte) => byte !== 0);
  }

  private prepare(dev: Ptr, address: Ptr): number {
    const type = this.k.struct('net_device');
    const live = Math.floor(type.get(dev, 'priv_flags') / this.k.enumValue('IFF_LIVE_ADDR_CHANGE')) % 2 === 1;
    const running = (type.get(dev, 'state') & (1 << this.k.enumValue('__LINK_STATE_START'))) !== 0;
    if (!live && running) return -EBUSY;
    return this.usable(address + SA_DATA) ? 0 : -EADDRNOTAVAIL;
  }

  private setAddress(dev: Ptr, address: Ptr, check: boolean): number {
    const error = check ? this.prepare(dev, address) : 0;
    if (error) return error;
    const bytes = this.k.space.readable(address + SA_DATA, ETH_ALEN).slice();
    this.k.get(DeviceAddressLists).modify(dev, 0, bytes);
    this.k.struct('net_device').set(dev, 'addr_assign_type', NET_ADDR_SET);
    return 0;
  }

  /** eth_type_trans(): strips the header of a received frame; its protocol, in network order. */
  private typeTrans(skb: Ptr, dev: Ptr): number {
    const { k } = this;
    const type = k.struct('sk_buff');
    type.set(skb, 'dev', dev);
    const data = type.get(skb, 'data');
    type.set(skb, 'mac_header', data - type.get(skb, 'head'));
    type.set(skb, 'data', data + ETH_HLEN);
    type.set(skb, 'len', type.get(skb, 'len') - ETH_HLEN);
    type.set(skb, 'pkt_type', this.packetType(dev, data));
    const proto = k.space.load16(data + 2 * ETH_ALEN);
    const host = swap16(proto);
    if (host >= ETH_P_802_3_MIN) return proto;
    return swap16(k.space.load16(data + ETH_HLEN) === 0xffff ? ETH_P_802_3 : ETH_P_802_2);
  }

  private packetType(dev: Ptr, header: Ptr): number {
    const { k } = this;
    const type = k.struct('net_device');
    const to = k.space.readable(header, ETH_ALEN);
    const own = k.space.readable(type.get(dev, 'dev_addr'), ETH_ALEN);
    if (to.every((byte, i) => byte === own[i])) return 0;
    if ((to[0] & 1) === 0) return 3;
    const broadcast = k.space.readable(type.addr(dev, 'broadcast'), ETH_ALEN);
    return to.every((byte, i) => byte === broadcast[i]) ? 1 : 2;
  }
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >> 8);
}
