import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Memory and strings (sys/libkern, sys/amd64/amd64/support.S). */
export class Strings implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    memcpy: (to: Ptr, from: Ptr, bytes: number) => this.copy(to, from, bytes),
    memmove: (to: Ptr, from: Ptr, bytes: number) => this.copy(to, from, bytes),
    bcopy: (from: Ptr, to: Ptr, bytes: number) => void this.copy(to, from, bytes),
    memset: (to: Ptr, value: number, bytes: number) => this.fill(to, value, bytes),
    bzero: (to: Ptr, bytes: number) => void this.fill(to, 0, bytes),
    explicit_bzero: (to: Ptr, bytes: number) => void this.fill(to, 0, bytes),
    memcmp: (a: Ptr, b: Ptr, bytes: number) => this.compare(a, b, bytes),
    bcmp: (a: Ptr, b: Ptr, bytes: number) => this.compare(a, b, bytes),
    timingsafe_bcmp: (a: Ptr, b: Ptr, bytes: number) => Number(this.compare(a, b, bytes) !== 0),
    memchr: (at: Ptr, value: number, bytes: number) => this.find(at, value, bytes),
    memcchr: (at: Ptr, value: number, bytes: number) => this.findOther(at, value, bytes),
    memmem: (at: Ptr, size: number, what: Ptr, length: number) => this.findBytes(at, size, what, length),
    strlen: (at: Ptr) => this.k.space.cstringLength(at),
    strnlen: (at: Ptr, most: number) => this.k.space.cstringLength(at, most),
    strcpy: (to: Ptr, from: Ptr) => this.store(to, this.text(from), to),
    strcat: (to: Ptr, from: Ptr) => this.store(to + this.k.space.cstringLength(to), this.text(from), to),
    strncat: (to: Ptr, from: Ptr, most: number) =>
      this.store(to + this.k.space.cstringLength(to), this.text(from, most), to),
    stpcpy: (to: Ptr, from: Ptr) => this.store(to, this.text(from), to + this.k.space.cstringLength(from)),
    strncpy: (to: Ptr, from: Ptr, size: number) => this.strncpy(to, from, size),
    strlcpy: (to: Ptr, from: Ptr, size: number) => this.strlcpy(to, from, size),
    strlcat: (to: Ptr, from: Ptr, size: number) => this.strlcat(to, from, size),
    strcmp: (a: Ptr, b: Ptr) => this.compareTexts(a, b, Number.POSITIVE_INFINITY, same),
    strncmp: (a: Ptr, b: Ptr, most: number) => this.compareTexts(a, b, most, same),
    strcasecmp: (a: Ptr, b: Ptr) => this.compareTexts(a, b, Number.POSITIVE_INFINITY, lower),
    strncasecmp: (a: Ptr, b: Ptr, most: number) => this.compareTexts(a, b, most, lower),
    strchr: (at: Ptr, c: number) => this.index(at, c, (text, char) => text.indexOf(char)),
    strrchr: (at: Ptr, c: number) => this.index(at, c, (text, char) => text.lastIndexOf(char)),
    index: (at: Ptr, c: number) => this.index(at, c, (text, char) => text.indexOf(char)),
    rindex: (at: Ptr, c: number) => this.index(at, c, (text, char) => text.lastIndexOf(char)),
    strchrnul: (at: Ptr, c: number) =>
      this.index(at, c, (text, char) => text.indexOf(char)) || at + this.k.space.cstringLength(at),
    strstr: (at: Ptr, what: Ptr) => this.offset(at, this.text(at).indexOf(this.text(what))),
    strnstr: (at: Ptr, what: Ptr, most: number) =>
      this.offset(at, this.text(at, most).indexOf(this.text(what))),
    strcasestr: (at: Ptr, what: Ptr) =>
      this.offset(at, this.text(at).toLowerCase().indexOf(this.text(what).toLowerCase())),
    strspn: (at: Ptr, set: Ptr) => this.span(at, set, true),
    strcspn: (at: Ptr, set: Ptr) => this.span(at, set, false),
    strpbrk: (at: Ptr, set: Ptr) => {
      const length = this.span(at, set, false);
      return this.k.space.load8(at + length) === 0 ? 0 : at + length;
    },
    strsep: (place: Ptr, delimiters: Ptr) => this.strsep(place, delimiters),
    strtol: (at: Ptr, end: Ptr, base: number) => clamp(this.number(at, end, base), 64, true),
    strtoul: (at: Ptr, end: Ptr, base: number) => clamp(this.number(at, end, base), 64, false),
    strtoq: (at: Ptr, end: Ptr, base: number) => clamp(this.number(at, end, base), 64, true),
    strtouq: (at: Ptr, end: Ptr, base: number) => clamp(this.number(at, end, base), 64, false),
  };

  readonly signatures = {
    memcpy: 'p:ppL',
    memmove: 'p:ppL',
    bcopy: 'v:ppL',
    memset: 'p:piL',
    bzero: 'v:pL',
    memcmp: 'i:ppL',
    bcmp: 'i:ppL',
    memchr: 'p:piL',
    strlen: 'L:p',
    strcpy: 'p:pp',
    strcat: 'p:pp',
    strncpy: 'p:ppL',
    strcmp: 'i:pp',
    strncmp: 'i:ppL',
    strtol: 'q:ppi',
    strtoul: 'Q:ppi',
    strtoq: 'q:ppi',
    strtouq: 'Q:ppi',
  };

  private text(at: Ptr, most?: number): string {
    return this.k.space.cstring(at, most);
  }

  private copy(to: Ptr, from: Ptr, bytes: number): Ptr {
    if (bytes === 0) return to;
    const { space, trap } = this.k;
    trap.given(from, bytes, 'read');
    trap.given(to, bytes, 'write');
    space.readable(from, bytes);
    space.writable(to, bytes);
    space.bytes.copyWithin(to, from, from + bytes);
    return to;
  }

  private fill(to: Ptr, value: number, bytes: number): Ptr {
    if (bytes === 0) return to;
    this.k.trap.given(to, bytes, 'write');
    this.k.space.writable(to, bytes).fill(value & 0xff);
    return to;
  }

  private compare(a: Ptr, b: Ptr, bytes: number): number {
    if (bytes === 0) return 0;
    this.k.trap.given(a, bytes, 'read');
    this.k.trap.given(b, bytes, 'read');
    const [left, right] = [this.k.space.readable(a, bytes), this.k.space.readable(b, bytes)];
    for (let i = 0; i < bytes; i++) if (left[i] !== right[i]) return left[i] - right[i];
    return 0;
  }

  private find(at: Ptr, value: number, bytes: number): Ptr {
    const index = bytes === 0 ? -1 : this.k.space.readable(at, bytes).indexOf(value & 0xff);
    return this.offset(at, index);
  }

  private findOther(at: Ptr, value: number, bytes: number): Ptr {
    const index =
      bytes === 0 ? -1 : this.k.space.readable(at, bytes).findIndex((byte) => byte !== (value & 0xff));
    return this.offset(at, index);
  }

  private findBytes(at: Ptr, size: number, what: Ptr, length: number): Ptr {
    if (length === 0) return at;
    if (size < length) return 0;
    const wanted = this.k.space.readable(what, length);
    const all = this.k.space.readable(at, size);
    for (let i = all.indexOf(wanted[0]); i >= 0 && i + length <= size; i = all.indexOf(wanted[0], i + 1))
      if (wanted.every((byte, j) => all[i + j] === byte)) return at + i;
    return 0;
  }

  private offset(at: Ptr, index: number): Ptr {
    return index < 0 ? 0 : at + index;
  }

  private store(to: Ptr, text: string, result: Ptr): Ptr {
    this.k.trap.given(to, text.length + 1, 'write');
    this.k.space.storeCstring(to, text);
    return result;
  }

  private strncpy(to: Ptr, from: Ptr, size: number): Ptr {
    if (size === 0) return to;
    const text = this.text(from, size);
    this.k.trap.given(to, size, 'write');
    const out = this.k.space.writable(to, size);
    for (let i = 0; i < size; i++) out[i] = i < text.length ? text.charCodeAt(i) : 0;
    return to;
  }

  private strlcpy(to: Ptr, from: Ptr, size: number): number {
    const text = this.text(from);
    if (size > 0) this.store(to, text.slice(0, size - 1), to);
    return text.length;
  }

  private strlcat(to: Ptr, from: Ptr, size: number): number {
    const text = this.text(from);
    const own = this.k.space.cstringLength(to, size);
    if (own < size) this.store(to + own, text.slice(0, size - own - 1), to);
    return own + text.length;
  }

  private compareTexts(a: Ptr, b: Ptr, most: number, fold: (byte: number) => number): number {
    const { space } = this.k;
    for (let i = 0; i < most; i++) {
      const [left, right] = [fold(space.load8(a + i)), fold(space.load8(b + i))];
      if (left !== right) return left - right;
      if (left === 0) return 0;
    }
    return 0;
  }

  private index(at: Ptr, c: number, find: (text: string, char: string) => number): Ptr {
    const char = String.fromCharCode(c & 0xff);
    return this.offset(at, find(`${this.text(at)}\0`, char));
  }

  private span(at: Ptr, set: Ptr, within: boolean): number {
    const chars = this.text(set);
    const text = this.text(at);
    let i = 0;
    while (i < text.length && chars.includes(text[i]) === within) i++;
    return i;
  }

  private strsep(place: Ptr, delimiters: Ptr): Ptr {
    const { space } = this.k;
    const at = space.loadPtr(place);
    if (at === 0) return 0;
    const length = this.span(at, delimiters, false);
    const more = space.load8(at + length) !== 0;
    if (more) space.store8(at + length, 0);
    space.storePtr(place, more ? at + length + 1 : 0);
    return at;
  }

  /** Reads a number as strtol(3) does, and says where it ended. */
  private number(at: Ptr, end: Ptr, base: number): bigint {
    const text = this.text(at);
    const match = /^[ \t\n\v\f\r]*([+-]?)(.*)$/s.exec(text);
    const [sign, rest] = match ? [match[1], match[2]] : ['', ''];
    const hex = /^0[xX](?=[0-9a-fA-F])/.test(rest) && (base === 0 || base === 16);
    const radix = hex ? 16 : base === 0 ? (rest.startsWith('0') ? 8 : 10) : base;
    const digits = hex ? rest.slice(2) : rest;
    let value = 0n;
    let used = 0;
    for (; used < digits.length; used++) {
      const digit = Number.parseInt(digits[used], 36);
      if (!(digit < radix)) break;
      value = value * BigInt(radix) + BigInt(digit);
    }
    const length = used === 0 ? 0 : text.length - digits.length + used;
    if (end !== 0) this.k.space.storePtr(end, at + length);
    return sign === '-' ? -value : value;
  }
}

const same = (byte: number): number => byte;
const lower = (byte: number): number => (byte >= 65 && byte <= 90 ? byte + 32 : byte);

/** The nearest value of so many bits: LONG_MAX and its like. */
function clamp(value: bigint, bits: number, signed: boolean): bigint {
  const highest = signed ? (1n << BigInt(bits - 1)) - 1n : (1n << BigInt(bits)) - 1n;
  if (value > highest) return highest;
  const lowest = signed ? -(1n << BigInt(bits - 1)) : -highest;
  return BigInt.asUintN(64, value < lowest ? lowest : value);
}
