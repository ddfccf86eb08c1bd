import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Delays } from '../../time/delay.js';
import { DeviceTransmission } from '../core/dev-xmit.js';
import { ETH_HLEN } from '../core/eth.js';
import { PacketTypes } from '../core/packet-types.js';
import { SkbAllocation } from '../core/skb-alloc.js';
import { SkBuffs } from '../core/skbuff.js';
import {
  ARP,
  ARP_REPLY,
  ARP_REQUEST,
  arpPacket,
  ECHO_REPLY,
  ECHO_REQUEST,
  type Echo,
  echoPacket,
  PROTOCOL_IP,
  readArp,
  readEcho,
} from './packets.js';

const BROADCAST: readonly number[] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const ARP_TRIES = 3;
const ARP_WAIT_NS = 1e9;
const TURN_NS = 1e6;
const BYTES_PER_ADDRESS = 6;

/** An address of a device, and how many of its bits are the network's. */
export interface InterfaceAddress {
  readonly dev: Ptr;
  readonly address: number;
  readonly prefix: number;
}

/**
 * The machine as a host on IPv4 networks, for its administrator's `ip addr` and `ping`: addresses of devices, ARP and ICMP echo over them. It begins with the first
 * address; routes, sockets and everything else are the business of the target's own code.
 */
export class Ipv4Host implements Subsystem {
  readonly exports = {};
  readonly addresses: InterfaceAddress[] = [];
  private readonly neighbours = new Map<number, readonly number[]>();
  private readonly buffers: SkBuffs;
  private readonly replies = new Map<number, Set<number>>();
  private listens = false;

  constructor(private readonly k: LinuxKernel) {
    this.buffers = new SkBuffs(k);
  }

  add(address: InterfaceAddress): void {
    this.listen();
    this.addresses.push(address);
  }

  remove(dev: Ptr, address: number): boolean {
    const at = this.addresses.findIndex((one) => one.dev === dev && one.address === address);
    if (at >= 0) this.addresses.splice(at, 1);
    return at >= 0;
  }

  /** The address by which another host is reached; undefined where no device's network has it. */
  sourceFor(target: number): InterfaceAddress | undefined {
    return this.addresses.find(({ address, prefix }) => {
      const mask = prefix === 0 ? 0 : (-1 << (32 - prefix)) >>> 0;
      return ((address & mask) ^ (target & mask)) === 0;
    });
  }

  /** Sends an echo request; whether it could be: nobody may know where the target is. */
  *sendEcho(source: InterfaceAddress, target: number, echo: Echo): Sleepable<boolean> {
    const to = yield* this.resolve(source, target);
    if (to === undefined) return false;
    yield* this.send(source.dev, to, PROTOCOL_IP, echoPacket(source.address, target, ECHO_REQUEST, echo));
    return true;
  }

  /** Waits for the reply to an echo request; whether it came. */
  *waitEcho(id: number, sequence: number, nanoseconds: number): Sleepable<boolean> {
    return yield* this.until(() => this.replies.get(id)?.has(sequence) ?? false, nanoseconds);
  }

  /** The hardware address of a neighbour, asked for by ARP. */
  private *resolve(source: InterfaceAddress, target: number): Sleepable<readonly number[] | undefined> {
    for (let i = 0; i < ARP_TRIES && !this.neighbours.has(target); i++) {
      const own = this.hardwareAddress(source.dev);
      const request = arpPacket(ARP_REQUEST, own, source.address, new Array<number>(6).fill(0), target);
      yield* this.send(source.dev, BROADCAST, ARP, request);
      yield* this.until(() => this.neighbours.has(target), ARP_WAIT_NS);
    }
    return this.neighbours.get(target);
  }

  private *until(done: () => boolean, nanoseconds: number): Sleepable<boolean> {
    const end = this.k.clock.now + nanoseconds;
    while (!done() && this.k.clock.now < end) yield* this.k.get(Delays).sleep(TURN_NS);
    return done();
  }

  private hardwareAddress(dev: Ptr): readonly number[] {
    const at = this.k.struct('net_device').get(dev, 'dev_addr');
    return [...this.k.space.readable(at, BYTES_PER_ADDRESS)];
  }

  /** A frame out of a device. */
  private *send(
    dev: Ptr,
    to: readonly number[],
    protocol: number,
    content: readonly number[],
  ): Sleepable<void> {
    const { k } = this;
    const { skb: type } = this.buffers;
    const frame = [...to, ...this.hardwareAddress(dev), protocol >>> 8, protocol & 0xff, ...content];
    const skb = this.buffers.allocate(frame.length);
    if (skb === 0) return;
    const data = type.get(skb, 'data');
    k.space.writable(data, frame.length).set(frame);
    type.set(skb, 'len', frame.length);
    type.set(skb, 'tail', frame.length);
    type.set(skb, 'dev', dev);
    type.set(skb, 'protocol', ((protocol & 0xff) << 8) | (protocol >>> 8));
    type.set(skb, 'network_header', this.buffers.headroom(skb) + ETH_HLEN);
    yield* k.get(DeviceTransmission).exports.dev_queue_xmit(skb);
  }

  private listen(): void {
    if (this.listens) return;
    this.listens = true;
    this.register(ARP, 'arp_rcv', (dev, bytes) => this.arp(dev, bytes));
    this.register(PROTOCOL_IP, 'ip_rcv', (dev, bytes, from) => this.ip(dev, bytes, from));
  }

  private register(
    protocol: number,
    name: string,
    receive: (dev: Ptr, bytes: Uint8Array, from: readonly number[]) => Sleepable<void>,
  ): void {
    const { k, buffers } = this;
    const type = k.struct('packet_type');
    const handler = k.permanent(type.size);
    type.set(handler, 'type', ((protocol & 0xff) << 8) | (protocol >>> 8));
    const fn = k.exports.hostFunction(`modbox_${name}`, 'i:pp', function* (skb: Ptr, dev: Ptr) {
      const length = Math.min(buffers.skb.get(skb, 'len'), buffers.linear(skb));
      const bytes = k.space.readable(buffers.skb.get(skb, 'data'), length).slice();
      const mac = buffers.skb.get(skb, 'head') + buffers.skb.get(skb, 'mac_header');
      const from = [...k.space.readable(mac + BYTES_PER_ADDRESS, BYTES_PER_ADDRESS)];
      yield* k.get(SkbAllocation).unref(skb);
      yield* receive(dev, bytes, from);
      return 0;
    });
    type.set(handler, 'func', fn);
    k.get(PacketTypes).exports.dev_add_pack(handler);
  }

  /** Whoever tells of himself is remembered; who asks for an address of ours gets it. */
  private *arp(dev: Ptr, bytes: Uint8Array): Sleepable<void> {
    const packet = readArp(bytes);
    if (!packet) return;
    this.neighbours.set(packet.sender, packet.senderHardware);
    const own = this.addresses.find((one) => one.dev === dev && one.address === packet.target);
    if (packet.operation !== ARP_REQUEST || !own) return;
    const reply = arpPacket(
      ARP_REPLY,
      this.hardwareAddress(dev),
      own.address,
      packet.senderHardware,
      packet.sender,
    );
    yield* this.send(dev, packet.senderHardware, ARP, reply);
  }

  private *ip(dev: Ptr, bytes: Uint8Array, from: readonly number[]): Sleepable<void> {
    const packet = readEcho(bytes);
    if (!packet || !this.addresses.some((one) => one.dev === dev && one.address === packet.target)) return;
    const { echo, type, source, target } = packet;
    if (type === ECHO_REPLY) {
      const known = this.replies.get(echo.id) ?? new Set();
      this.replies.set(echo.id, known.add(echo.sequence));
    }
    if (type === ECHO_REQUEST)
      yield* this.send(dev, from, PROTOCOL_IP, echoPacket(target, source, ECHO_REPLY, echo));
  }
}
