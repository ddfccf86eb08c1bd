import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { ETH_HLEN } from './eth.js';
import { SkBuffs } from './skbuff.js';

/** Kinds of PTP packets (include/linux/ptp_classify.h): the version is in the low bits. */
const VERSION_MASK = 0x0f;
const IPV4 = 0x10;
const IPV6 = 0x20;
const L2 = 0x40;
const VLAN = 0x80;
const VLAN_HLEN = 4;
const ETH_P_IP = 0x0800;
const ETH_P_8021Q = 0x8100;
const ETH_P_IPV6 = 0x86dd;
const ETH_P_1588 = 0x88f7;
const UDP_HLEN = 8;
const IPV6_HLEN = 40;
/** Messages that events are told by have their own port; general ones have a bit of the message type. */
const EVENT_PORT = 319;
const GENERAL_BIT = 0x08;
const FRAGMENT_OFFSET = 0x1fff;

/** Which packets are PTP event messages (net/core/ptp_classifier.c), by the rules of the kernel's BPF program. */
export class PtpClassifier implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    ptp_classify_raw: (skb: Ptr) => this.classify(skb),
  };

  /** ptp_classify_raw(): PTP_CLASS_*, 0 for what is none; the packet begins with its Ethernet header. */
  private classify(skb: Ptr): number {
    const packet = new Packet(new SkBuffs(this.k), skb, this.k.enumValue('IPPROTO_UDP'));
    const protocol = packet.half(ETH_HLEN - 2);
    if (protocol !== ETH_P_8021Q) return classOf(packet, protocol, ETH_HLEN);
    const inner = packet.half(ETH_HLEN + 2);
    const found = classOf(packet, inner, ETH_HLEN + VLAN_HLEN);
    return found === 0 ? 0 : found | VLAN;
  }
}

function classOf(packet: Packet, protocol: number | undefined, at: number): number {
  switch (protocol) {
    case ETH_P_IP:
      return ipv4Class(packet, at);
    case ETH_P_IPV6:
      if (packet.byte(at + 6) !== packet.udp) return 0;
      return udpClass(packet, at + IPV6_HLEN, IPV6);
    case ETH_P_1588: {
      const type = packet.byte(at);
      if (type === undefined || type & GENERAL_BIT) return 0;
      return versionAt(packet, at, L2);
    }
    default:
      return 0;
  }
}

function ipv4Class(packet: Packet, at: number): number {
  const fragment = packet.half(at + 6);
  const start = packet.byte(at);
  if (fragment === undefined || start === undefined) return 0;
  if (packet.byte(at + 9) !== packet.udp || fragment & FRAGMENT_OFFSET) return 0;
  return udpClass(packet, at + (start & 0xf) * 4, IPV4);
}

function udpClass(packet: Packet, at: number, transport: number): number {
  return packet.half(at + 2) === EVENT_PORT ? versionAt(packet, at + UDP_HLEN, transport) : 0;
}

function versionAt(packet: Packet, at: number, transport: number): number {
  const first = packet.half(at);
  return first === undefined ? 0 : (first & VERSION_MASK) | transport;
}

/** Bytes of a packet; undefined behind its end, where the kernel's program ends with 0. */
class Packet {
  constructor(
    private readonly buffers: SkBuffs,
    private readonly skb: Ptr,
    /** The number of UDP among the protocols of IP. */
    readonly udp: number,
  ) {}

  byte(at: number): number | undefined {
    return this.read(at, 1)?.[0];
  }

  /** In network order. */
  half(at: number): number | undefined {
    const bytes = this.read(at, 2);
    return bytes && (bytes[0] << 8) | bytes[1];
  }

  private read(at: number, length: number): Uint8Array | undefined {
    const bytes = new Uint8Array(length);
    return this.buffers.read(this.skb, at, bytes) ? bytes : undefined;
  }
}
