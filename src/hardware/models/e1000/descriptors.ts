/** Descriptors of the 82540EM, 16 bytes each (Software Developer's Manual, 3.2.3 and 3.3.3 to 3.3.7). */
export const DESCRIPTOR_BYTES = 16;

/** Commands of a descriptor for sending. */
export const END_OF_PACKET = 0x01;
export const INSERT_CHECKSUM = 0x04;
export const REPORT_STATUS = 0x08;
export const EXTENSION = 0x20;
/** Of an extended one, in the bit where the others insert a checksum. */
export const SEGMENT = 0x04;
/** Done, in the status of both kinds; the rest of a received one's. */
export const DONE = 0x01;
export const RECEIVED_END = 0x02;
export const IGNORE_CHECKSUM = 0x04;

const TYPE_DATA = 1;

/** What offloads a context sets up. */
export interface Offload {
  readonly ip: Checksum;
  readonly transport: Checksum;
}

/** A checksum: of the bytes from `start` to `end` (0: all that follow), stored at `offset`. */
export interface Checksum {
  readonly start: number;
  readonly offset: number;
  readonly end: number;
}

export type SendDescriptor =
  | {
      readonly kind: 'legacy';
      readonly address: bigint;
      readonly length: number;
      readonly command: number;
      readonly checksum: Checksum | undefined;
    }
  | {
      readonly kind: 'data';
      readonly address: bigint;
      readonly length: number;
      readonly command: number;
      readonly ip: boolean;
      readonly transport: boolean;
    }
  | { readonly kind: 'context'; readonly offload: Offload; readonly command: number };

/** Takes a descriptor for sending apart. */
export function parseSend(bytes: Uint8Array): SendDescriptor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, DESCRIPTOR_BYTES);
  const command = view.getUint8(11);
  const address = view.getBigUint64(0, true);
  if (!(command & EXTENSION)) {
    const checksum =
      command & INSERT_CHECKSUM ? { start: view.getUint8(13), offset: view.getUint8(10), end: 0 } : undefined;
    return { kind: 'legacy', address, length: view.getUint16(8, true), command, checksum };
  }
  const long = view.getUint32(8, true);
  if (((long >>> 20) & 0xf) === TYPE_DATA) {
    const options = view.getUint8(13);
    return {
      kind: 'data',
      address,
      length: long & 0xf_ffff,
      command,
      ip: (options & 1) !== 0,
      transport: (options & 2) !== 0,
    };
  }
  const part = (at: number): Checksum => ({
    start: view.getUint8(at),
    offset: view.getUint8(at + 1),
    end: view.getUint16(at + 2, true),
  });
  return { kind: 'context', offload: { ip: part(0), transport: part(4) }, command };
}

/** Stores the Internet checksum of part of a packet; what stood in its place counts (drivers leave the pseudo header's sum there). */
export function insertChecksum(packet: Uint8Array, { start, offset, end }: Checksum): void {
  const behind = end === 0 ? packet.length : Math.min(end + 1, packet.length);
  if (offset + 2 > packet.length) return;
  let sum = 0;
  for (let at = start; at < behind; at += 2)
    sum += (packet[at] << 8) | (at + 1 < behind ? packet[at + 1] : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  packet[offset] = (~sum >>> 8) & 0xff;
  packet[offset + 1] = ~sum & 0xff;
}
