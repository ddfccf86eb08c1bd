import { describe, expect, it } from 'vitest';
import { ARP_REQUEST, arpPacket, ECHO_REQUEST, echoPacket, readArp, readEcho } from './packets.js';

const OWN = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
const ADDRESS = 0x0a00_020f;
const OTHER = 0x0a00_0202;

describe('packets of a host', () => {
  it('ask for a neighbour', () => {
    const packet = Uint8Array.from(arpPacket(ARP_REQUEST, OWN, ADDRESS, [0, 0, 0, 0, 0, 0], OTHER));
    expect(readArp(packet)).toEqual({ operation: 1, sender: ADDRESS, senderHardware: OWN, target: OTHER });
    expect(readArp(packet.subarray(0, 20))).toBeUndefined();
  });

  it('are echoes with the checksums of IP and ICMP', () => {
    const echo = { id: 7, sequence: 1, content: [1, 2, 3] };
    const packet = Uint8Array.from(echoPacket(ADDRESS, OTHER, ECHO_REQUEST, echo));
    // The header's checksum, computed by hand from its words.
    expect([packet[10], packet[11]]).toEqual([0x22, 0xce]);
    expect(readEcho(packet)).toEqual({ type: ECHO_REQUEST, source: ADDRESS, target: OTHER, echo });
    packet[25] ^= 1;
    expect(readEcho(packet)).toBeUndefined();
  });
});
