import type { AddressSpace } from '../../cpu/address-space.js';
import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import { sprintf } from '../lib/vsprintf/vsprintf.js';
import type { Subsystem } from '../subsystem.js';
import { Printk } from './printk.js';

const PREFIX_OFFSET = 2;

/** How a line of a hex dump is laid out, after the kernel's rules for odd requests. */
interface Layout {
  readonly rowSize: number;
  readonly groupSize: number;
}

function layout(length: number, rowSize: number, groupSize: number): Layout {
  const isGroup = groupSize === 1 || groupSize === 2 || groupSize === 4 || groupSize === 8;
  const row = rowSize === 32 ? 32 : 16;
  return { rowSize: row, groupSize: isGroup && Math.min(length, row) % groupSize === 0 ? groupSize : 1 };
}

/** One line: groups of bytes as little-endian numbers, and the characters they are. */
export function hexLine(bytes: Uint8Array, rowSize: number, groupSize: number, ascii: boolean): string {
  const { rowSize: row, groupSize: group } = layout(bytes.length, rowSize, groupSize);
  const line = bytes.subarray(0, row);
  const groups: string[] = [];
  for (let at = 0; at < line.length; at += group) {
    const parts = [...line.subarray(at, at + group)].map((byte) => byte.toString(16).padStart(2, '0'));
    groups.push(parts.reverse().join(''));
  }
  const text = groups.join(' ');
  if (!ascii || line.length === 0) return text;
  const printable = (byte: number): string => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.');
  return text.padEnd(row * 2 + row / group + 1) + [...line].map(printable).join('');
}

/** Length of the line that a buffer would have needed (hex_dump_to_buffer's result on overflow). */
function neededLength(length: number, rowSize: number, groupSize: number, ascii: boolean): number {
  const { rowSize: row, groupSize: group } = layout(length, rowSize, groupSize);
  const count = Math.min(length, row);
  return ascii ? row * 2 + row / group + 1 + count : (group * 2 + 1) * (count / group) - 1;
}

/** hex_dump_to_buffer(): writes what fits, gives the length of the whole. */
function hexDumpToBuffer(
  space: AddressSpace,
  bytes: Uint8Array,
  row: number,
  group: number,
  out: Ptr,
  size: number,
  ascii: boolean,
): number {
  const text = hexLine(bytes, row, group, ascii);
  if (size > 0) space.storeCstring(out, text.slice(0, size - 1));
  return text.length < size ? text.length : neededLength(bytes.length, row, group, ascii);
}

/** Hex dumps in the log (lib/hexdump.c, include/linux/printk.h). */
export class HexDump implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    hex_dump_to_buffer: (
      buf: Ptr,
      length: number,
      row: number,
      group: number,
      out: Ptr,
      size: number,
      ascii: boolean,
    ) =>
      hexDumpToBuffer(
        this.k.space,
        this.k.space.readable(buf, Math.min(length, 32)),
        row,
        group,
        out,
        size,
        ascii,
      ),
    print_hex_dump: (
      level: Ptr,
      prefix: Ptr,
      type: number,
      rowSize: number,
      group: number,
      buf: Ptr,
      length: number,
      ascii: boolean,
    ) => {
      const { space } = this.k;
      const row = rowSize === 32 ? 32 : 16;
      const start = space.cstring(level) + (prefix === 0 ? '(null)' : space.cstring(prefix));
      for (let at = 0; at < length; at += row) {
        const line = hexLine(space.readable(buf + at, Math.min(row, length - at)), row, group, ascii);
        this.k.get(Printk).emit(`${start}${this.position(type, buf, at)}${line}\n`, undefined, false);
      }
    },
  };

  private position(type: number, buf: Ptr, at: number): string {
    if (type === this.k.enumValue('DUMP_PREFIX_ADDRESS'))
      return sprintf(this.k, '%p: ', this.k.space.toAddress(buf + at));
    return type === PREFIX_OFFSET ? `${at.toString(16).padStart(8, '0')}: ` : '';
  }
}
