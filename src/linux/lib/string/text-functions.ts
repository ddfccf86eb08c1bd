import type { Ptr } from '../../../cpu/layout.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { lengthOf } from './bytes.js';
import { CTYPE, isSpaceCode } from './ctype.js';
import { escapeBytes, unescapeText } from './escape.js';
import { sizeText } from './size-text.js';

const HEX = '0123456789abcdef';

/** Trimming, hexadecimal, escapes, sizes (lib/string_helpers.c, lib/hexdump.c, lib/ctype.c). */
export class TextFunctions implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    skip_spaces: (s: Ptr) => this.skipSpaces(s),
    strim: (s: Ptr) => {
      const { space } = this.k;
      let end = s + lengthOf(space, s);
      while (end > s && isSpaceCode(space.bytes[end - 1])) end--;
      space.store8(end, 0);
      return this.skipSpaces(s);
    },
    hex_to_bin: (character: number) => hexValue(character),
    hex2bin: (to: Ptr, from: Ptr, count: number) => {
      const { space } = this.k;
      for (let i = 0; i < count; i++) {
        const high = hexValue(space.load8(from + 2 * i));
        const low = high < 0 ? -1 : hexValue(space.load8(from + 2 * i + 1));
        if (high < 0 || low < 0) return -EINVAL;
        space.store8(to + i, (high << 4) | low);
      }
      return 0;
    },
    bin2hex: (to: Ptr, from: Ptr, count: number) => {
      const { space } = this.k;
      const out = space.writable(to, 2 * count);
      for (const [i, byte] of space.readable(from, count).slice().entries()) {
        out[2 * i] = HEX.charCodeAt(byte >> 4);
        out[2 * i + 1] = HEX.charCodeAt(byte & 15);
      }
      return to + 2 * count;
    },
    string_get_size: (size: bigint, block: bigint, units: number, buf: Ptr, length: number) => {
      if (length > 0) {
        const text = sizeText(size, block, units === this.k.enumValue('STRING_UNITS_2'));
        this.k.space.storeCstring(buf, text.slice(0, length - 1));
      }
    },
    string_escape_mem: (from: Ptr, count: number, to: Ptr, size: number, flags: number, only: Ptr) => {
      const { space } = this.k;
      const text = escapeBytes(
        space.readable(from, count),
        flags,
        only === 0 ? undefined : space.cstring(only),
      );
      // To learn how long it is nowhere is given.
      if (size === 0) return text.length;
      const out = space.writable(to, Math.min(size, text.length));
      for (let i = 0; i < out.length; i++) out[i] = text.charCodeAt(i);
      return text.length;
    },
    string_unescape: (from: Ptr, to: Ptr, size: number, flags: number) => {
      const { space } = this.k;
      const text = unescapeText(space.cstring(from), flags, size > 0 ? size : undefined);
      space.storeCstring(to, text);
      return text.length;
    },
  };

  readonly signatures = { string_get_size: 'v:QQipi' };

  readonly data = {
    _ctype: (at: Ptr) => this.k.space.writable(at, CTYPE.length).set(CTYPE),
    hex_asc: (at: Ptr) => this.k.space.storeCstring(at, HEX),
    hex_asc_upper: (at: Ptr) => this.k.space.storeCstring(at, HEX.toUpperCase()),
  };

  private skipSpaces(s: Ptr): Ptr {
    let at = s;
    while (isSpaceCode(this.k.space.load8(at))) at++;
    return at;
  }
}

/** Value of a hexadecimal digit, -1 for anything else. */
function hexValue(code: number): number {
  return HEX.indexOf(String.fromCharCode(code & 0xff).toLowerCase());
}
