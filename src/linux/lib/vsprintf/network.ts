import type { AddressSpace } from '../../../cpu/address-space.js';
import type { Ptr } from '../../../cpu/layout.js';
import { AF_INET, AF_INET6 } from '../../abi/socket.js';
import type { FormatContext } from './context.js';
import { formatNumber } from './number.js';
import type { Spec } from './spec.js';
import { formatError, formatText } from './text.js';

const MAC_BYTES = 6;
const IPV6_WORDS = 8;
const FLOW_INFO_MASK = 0x0fff_ffff;

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** %pM, %pMR, %pMF, %pm, %pmR: a MAC address, 'F' with dashes, 'R' in reverse order. */
export function formatMac(space: AddressSpace, ptr: Ptr, spec: Spec, letters: string): string {
  const bytes = [...space.readable(ptr, MAC_BYTES)].map((byte) => hex(byte, 2));
  if (letters[1] === 'R') bytes.reverse();
  const separator = letters[0] === 'm' ? '' : letters[1] === 'F' ? '-' : ':';
  return formatText(bytes.join(separator), spec);
}

/** %pI4, %pi4, %pI6, %pi6, %pI6c, %pIS, %piS. */
export function formatIp(context: FormatContext, ptr: Ptr, spec: Spec, letters: string): string {
  const { space } = context;
  switch (letters[1]) {
    case '4':
      return formatText(ipv4(space.readable(ptr, 4), letters[0], letters[2]), spec);
    case '6':
      return formatText(ipv6(space.readable(ptr, 16), letters[0], letters[2] === 'c'), spec);
    case 'S':
      return socketAddress(context, ptr, spec, letters);
    default:
      return formatError('(einval)', spec);
  }
}

function ipv4(bytes: Uint8Array, leading: string, order: string | undefined): string {
  const parts = [...bytes].map((byte) => (leading === 'i' ? `${byte}`.padStart(3, '0') : `${byte}`));
  if (order === 'h' || order === 'l') parts.reverse();
  return parts.join('.');
}

function ipv6(bytes: Uint8Array, leading: string, compressed: boolean): string {
  const words = Array.from({ length: IPV6_WORDS }, (_, i) => (bytes[2 * i] << 8) | bytes[2 * i + 1]);
  if (leading === 'I' && compressed) return compressedIpv6(words, bytes);
  return words.map((word) => hex(word, 4)).join(leading === 'I' ? ':' : '');
}

/** RFC 5952: the longest run of zero words becomes `::`; embedded IPv4 addresses are shown as such. */
function compressedIpv6(words: readonly number[], bytes: Uint8Array): string {
  const mapped = words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff;
  const isatap = (words[4] | 0x0200) === 0x0200 && words[5] === 0x5efe;
  const range = mapped || isatap ? 6 : IPV6_WORDS;
  let start = -1;
  let longest = 1;
  for (let i = 0; i < range; i++) {
    let run = 0;
    while (i + run < range && words[i + run] === 0) run++;
    if (run > longest) {
      longest = run;
      start = i;
    }
  }
  let out = '';
  let colon = false;
  for (let i = 0; i < range; i++) {
    if (i === start) {
      out += colon || i === 0 ? '::' : ':';
      colon = false;
      i += longest - 1;
      continue;
    }
    out += (colon ? ':' : '') + words[i].toString(16);
    colon = true;
  }
  if (range < IPV6_WORDS) out += (colon ? ':' : '') + ipv4(bytes.subarray(12), 'I', undefined);
  return out;
}

function socketAddress(context: FormatContext, ptr: Ptr, spec: Spec, letters: string): string {
  const { space } = context;
  const options = letters.slice(2);
  const has = (option: string): boolean => options.includes(option);
  const number = (value: number): string => formatNumber(BigInt(value), spec);
  switch (context.struct('sockaddr').get(ptr, 'sa_family')) {
    case AF_INET: {
      const type = context.struct('sockaddr_in');
      const order = [...options].reverse().find((option) => 'hlnb'.includes(option));
      const address = ipv4(space.readable(type.addr(ptr, 'sin_addr'), 4), letters[0], order);
      return formatText(has('p') ? `${address}:${number(swap16(type.get(ptr, 'sin_port')))}` : address, spec);
    }
    case AF_INET6: {
      const type = context.struct('sockaddr_in6');
      let text = ipv6(space.readable(type.addr(ptr, 'sin6_addr'), 16), letters[0], has('c'));
      if (has('p') || has('f') || has('s')) text = `[${text}]`;
      if (has('p')) text += `:${number(swap16(type.get(ptr, 'sin6_port')))}`;
      if (has('f')) text += `/${number(swap32(type.get(ptr, 'sin6_flowinfo')) & FLOW_INFO_MASK)}`;
      if (has('s')) text += `%${number(type.get(ptr, 'sin6_scope_id'))}`;
      return formatText(text, spec);
    }
    default:
      return formatError('(einval)', spec);
  }
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}

function swap32(value: number): number {
  return ((swap16(value & 0xffff) << 16) | swap16(value >>> 16)) >>> 0;
}
