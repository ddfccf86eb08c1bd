/** Protocols of Ethernet frames. */
export const PROTOCOL_IP = 0x0800;
export const ARP = 0x0806;
/** Operations of ARP (RFC 826), types of ICMP (RFC 792). */
export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;
export const ECHO_REPLY = 0;
export const ECHO_REQUEST = 8;
const ETHERNET = 1;
const ARP_BYTES = 28;
const IP_HEADER = 20;
const ICMP_HEADER = 8;
const ICMP = 1;
const TTL = 64;
const DONT_FRAGMENT = 0x4000;

export interface ArpPacket {
  readonly operation: number;
  readonly sender: number;
  readonly senderHardware: readonly number[];
  readonly target: number;
}

export interface Echo {
  readonly id: number;
  readonly sequence: number;
  readonly content: readonly number[];
}

export interface EchoPacket {
  readonly type: number;
  readonly source: number;
  readonly target: number;
  readonly echo: Echo;
}

const half = (value: number): number[] => [(value >>> 8) & 0xff, value & 0xff];
const word = (value: number): number[] => [...half(value >>> 16), ...half(value)];

/** The Internet checksum (RFC 1071). */
function checksum(bytes: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export function arpPacket(
  operation: number,
  hardware: readonly number[],
  address: number,
  targetHardware: readonly number[],
  target: number,
): readonly number[] {
  const kind = [...half(ETHERNET), ...half(PROTOCOL_IP), 6, 4, ...half(operation)];
  return [...kind, ...hardware, ...word(address), ...targetHardware, ...word(target)];
}

/** Undefined for what is no ARP of IPv4 on Ethernet. */
export function readArp(bytes: Uint8Array): ArpPacket | undefined {
  const view = viewOf(bytes);
  if (bytes.length < ARP_BYTES || view.getUint16(0) !== ETHERNET || view.getUint16(2) !== PROTOCOL_IP)
    return undefined;
  return {
    operation: view.getUint16(6),
    senderHardware: [...bytes.subarray(8, 14)],
    sender: view.getUint32(14),
    target: view.getUint32(24),
  };
}

/** An echo request or reply in an IPv4 packet. */
export function echoPacket(source: number, target: number, type: number, echo: Echo): readonly number[] {
  const body = [type, 0, 0, 0, ...half(echo.id), ...half(echo.sequence), ...echo.content];
  body.splice(2, 2, ...half(checksum(body)));
  const length = IP_HEADER + body.length;
  const header = [0x45, 0, ...half(length), 0, 0, ...half(DONT_FRAGMENT), TTL, ICMP, 0, 0];
  const whole = [...header, ...word(source), ...word(target)];
  whole.splice(10, 2, ...half(checksum(whole)));
  return [...whole, ...body];
}

/** Undefined for what is no whole ICMP echo, or is damaged. */
export function readEcho(bytes: Uint8Array): EchoPacket | undefined {
  if (bytes.length < IP_HEADER + ICMP_HEADER) return undefined;
  const view = viewOf(bytes);
  const header = 4 * (bytes[0] & 0xf);
  const length = view.getUint16(2);
  if (bytes[0] >>> 4 !== 4 || bytes[9] !== ICMP || length > bytes.length || length < header + ICMP_HEADER)
    return undefined;
  const body = bytes.subarray(header, length);
  if (checksum(bytes.subarray(0, header)) !== 0 || checksum(body) !== 0) return undefined;
  const icmp = viewOf(body);
  return {
    type: body[0],
    source: view.getUint32(12),
    target: view.getUint32(16),
    echo: { id: icmp.getUint16(4), sequence: icmp.getUint16(6), content: [...body.subarray(ICMP_HEADER)] },
  };
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
