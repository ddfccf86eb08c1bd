import type { Ptr } from '../../../cpu/layout.js';
import { EMSGSIZE } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { SkBuffs } from '../core/skbuff.js';
import { NLA_HDRLEN, nlaAlign } from './attributes.js';

const GENL_HDRLEN = 4;

/** Building netlink messages in a packet buffer (lib/nlattr.c, net/netlink). */
export class NetlinkMessages implements Subsystem {
  private readonly buffers: SkBuffs;

  constructor(private readonly k: LinuxKernel) {
    this.buffers = new SkBuffs(k);
  }

  readonly exports = {
    nla_put: (skb: Ptr, type: number, length: number, data: Ptr) => this.put(skb, type, length, data),
    nla_put_64bit: (skb: Ptr, type: number, length: number, data: Ptr, _pad: number) =>
      this.put(skb, type, length, data),
    nla_put_nohdr: (skb: Ptr, length: number, data: Ptr) => {
      const at = this.reserveRaw(skb, length);
      if (at === 0) return -EMSGSIZE;
      this.fill(at, data, length);
      return 0;
    },
    nla_append: (skb: Ptr, length: number, data: Ptr) => {
      if (this.buffers.tailroom(skb) < length) return -EMSGSIZE;
      this.fill(this.buffers.put(skb, length), data, length);
      return 0;
    },
    nla_reserve: (skb: Ptr, type: number, length: number) => this.reserve(skb, type, length),
    nla_reserve_64bit: (skb: Ptr, type: number, length: number) => this.reserve(skb, type, length),
    nla_reserve_nohdr: (skb: Ptr, length: number) => this.reserveRaw(skb, length),
    __nla_put: (skb: Ptr, type: number, length: number, data: Ptr) => void this.put(skb, type, length, data),
    __nla_reserve: (skb: Ptr, type: number, length: number) => this.reserve(skb, type, length),
    __nlmsg_put: (skb: Ptr, portid: number, sequence: number, type: number, length: number, flags: number) =>
      this.header(skb, portid, sequence, type, length, flags),
    genlmsg_put: (skb: Ptr, portid: number, sequence: number, family: Ptr, flags: number, command: number) =>
      this.genericHeader(skb, portid, sequence, family, flags, command),
  };

  /** x86-64 reads 64-bit values where they lie, so that no padding attributes are needed. */
  private put(skb: Ptr, type: number, length: number, data: Ptr): number {
    const at = this.reserve(skb, type, length);
    if (at === 0) return -EMSGSIZE;
    this.fill(at + NLA_HDRLEN, data, length);
    return 0;
  }

  /** Room for an attribute, its padding zeroed; 0 if the buffer is full. */
  private reserve(skb: Ptr, type: number, length: number): Ptr {
    const { space } = this.k;
    const total = nlaAlign(NLA_HDRLEN + length);
    if (this.buffers.tailroom(skb) < total) return 0;
    const at = this.buffers.put(skb, total);
    space.store16(at, NLA_HDRLEN + length);
    space.store16(at + 2, type);
    space.writable(at, total).fill(0, NLA_HDRLEN + length);
    return at;
  }

  private reserveRaw(skb: Ptr, length: number): Ptr {
    const total = nlaAlign(length);
    if (this.buffers.tailroom(skb) < total) return 0;
    const at = this.buffers.put(skb, total);
    this.k.space.writable(at, total).fill(0);
    return at;
  }

  private fill(at: Ptr, data: Ptr, length: number): void {
    if (length > 0) this.k.space.writable(at, length).set(this.k.space.readable(data, length));
  }

  /** A message's header with room for `length` bytes behind it: __nlmsg_put(), after the caller's check. */
  private header(skb: Ptr, portid: number, seq: number, type: number, length: number, flags: number): Ptr {
    const { k } = this;
    const message = k.struct('nlmsghdr');
    const size = message.size + length;
    const at = this.buffers.put(skb, nlaAlign(size));
    message.set(at, 'nlmsg_type', type);
    message.set(at, 'nlmsg_len', size);
    message.set(at, 'nlmsg_flags', flags);
    message.set(at, 'nlmsg_pid', portid);
    message.set(at, 'nlmsg_seq', seq);
    k.space.writable(at, nlaAlign(size)).fill(0, size);
    return at;
  }

  private genericHeader(
    skb: Ptr,
    portid: number,
    sequence: number,
    family: Ptr,
    flags: number,
    command: number,
  ): Ptr {
    const { k } = this;
    const type = k.struct('genl_family');
    const extra = type.get(family, 'hdrsize');
    const message = k.struct('nlmsghdr');
    if (this.buffers.tailroom(skb) < message.size + GENL_HDRLEN + nlaAlign(extra)) return 0;
    const at = this.header(skb, portid, sequence, type.get(family, 'id'), GENL_HDRLEN + extra, flags);
    const header = at + message.size;
    k.space.store8(header, command);
    k.space.store8(header + 1, type.get(family, 'version'));
    k.space.store16(header + 2, 0);
    return header + GENL_HDRLEN;
  }
}
