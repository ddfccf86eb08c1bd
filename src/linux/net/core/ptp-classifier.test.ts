import { describe, expect, it } from 'vitest';
import { guest } from '../../testing/guest.js';

const GFP_KERNEL = 0xcc0;
const ADDRESSES = Array<number>(12).fill(0x02);
const EVENT = [0x01, 0x3f];
const SYNC_V2 = [0x00, 0x02];
const DELAY_RESPONSE_V2 = [0x09, 0x02];
const udp = (port: readonly number[]): number[] => [0x01, 0x3f, ...port, 0, 16, 0, 0];
const ipv4 = (protocol: number, fragment = 0): number[] => [
  ...[0x45, 0, 0, 64, 0, 0, fragment >> 8, fragment & 0xff, 64, protocol, 0, 0],
  ...[10, 0, 0, 1, 10, 0, 0, 2],
];
const ipv6 = [0x60, 0, 0, 0, 0, 16, 17, 64, ...Array<number>(32).fill(0)];

describe('packets of the precision time protocol', () => {
  const { k, call } = guest();
  const classOf = (...bytes: readonly number[]): number => {
    const skb = call.__alloc_skb(bytes.length, GFP_KERNEL, 0, -1);
    k.space.bytes.set(bytes, call.skb_put(skb, bytes.length));
    const found = call.ptp_classify_raw(skb);
    call.consume_skb(skb);
    return found;
  };

  it('are told by their port, or their Ethernet type, with their version', () => {
    expect(classOf(...ADDRESSES, 8, 0, ...ipv4(17), ...udp(EVENT), ...SYNC_V2)).toBe(0x12);
    expect(classOf(...ADDRESSES, 0x86, 0xdd, ...ipv6, ...udp(EVENT), ...SYNC_V2)).toBe(0x22);
    expect(classOf(...ADDRESSES, 0x88, 0xf7, ...SYNC_V2)).toBe(0x42);
  });

  it('may be in a VLAN', () => {
    expect(classOf(...ADDRESSES, 0x81, 0, 0, 5, 8, 0, ...ipv4(17), ...udp(EVENT), ...SYNC_V2)).toBe(0x92);
    expect(classOf(...ADDRESSES, 0x81, 0, 0, 5, 0x88, 0xf7, ...SYNC_V2)).toBe(0xc2);
  });

  it('are none of those that are no events, fragments, of other ports or protocols, or too short', () => {
    expect(classOf(...ADDRESSES, 0x88, 0xf7, ...DELAY_RESPONSE_V2)).toBe(0);
    expect(classOf(...ADDRESSES, 8, 0, ...ipv4(17, 1), ...udp(EVENT), ...SYNC_V2)).toBe(0);
    expect(classOf(...ADDRESSES, 8, 0, ...ipv4(17), ...udp([0x01, 0x40]), ...SYNC_V2)).toBe(0);
    expect(classOf(...ADDRESSES, 8, 0, ...ipv4(6), ...udp(EVENT), ...SYNC_V2)).toBe(0);
    expect(classOf(...ADDRESSES, 8, 0, ...ipv4(17), ...udp(EVENT))).toBe(0);
    expect(classOf(...ADDRESSES)).toBe(0);
  });
});
