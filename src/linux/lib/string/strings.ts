import type { Ptr } from '../../../cpu/layout.js';
import { INT_MAX } from '../../abi/limits.js';
import { E2BIG, EINVAL } from '../../errno.js';
import { Oops } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { compareStrings, fillBytes, lengthOf, moveBytes } from './bytes.js';
import { toLower } from './ctype.js';

const UNLIMITED = Number.POSITIVE_INFINITY;

/** The C string functions (string(3); lib/string.c). */
export class Strings implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  /** strlen() */
  readonly length = (s: Ptr): number => {
    // A string that was freed is found before its end is looked for.
    this.k.traps.given(s, 1, 'read');
    return lengthOf(this.k.space, s);
  };

  private readonly copyString = (to: Ptr, from: Ptr): Ptr => {
    const bytes = this.length(from) + 1;
    this.k.traps.given(from, bytes, 'read');
    this.k.traps.given(to, bytes, 'write');
    moveBytes(this.k.space, to, from, bytes);
    return to;
  };

  readonly exports = {
    strlen: this.length,
    strnlen: (s: Ptr, limit: number) => lengthOf(this.k.space, s, limit),
    strcmp: (a: Ptr, b: Ptr) => Math.sign(compareStrings(this.k.space, a, b, UNLIMITED)),
    strncmp: (a: Ptr, b: Ptr, limit: number) => Math.sign(compareStrings(this.k.space, a, b, limit)),
    strcasecmp: (a: Ptr, b: Ptr) => compareStrings(this.k.space, a, b, UNLIMITED, toLower),
    strncasecmp: (a: Ptr, b: Ptr, limit: number) => compareStrings(this.k.space, a, b, limit, toLower),
    strcpy: this.copyString,
    stpcpy: (to: Ptr, from: Ptr) => this.copyString(to, from) + this.length(from),
    strncpy: (to: Ptr, from: Ptr, count: number) => {
      const length = lengthOf(this.k.space, from, count);
      moveBytes(this.k.space, to, from, length);
      fillBytes(this.k.space, to + length, 0, count - length);
      return to;
    },
    strlcpy: (to: Ptr, from: Ptr, size: number) => {
      const length = this.length(from);
      if (size > 0) this.store(to, from, Math.min(length, size - 1));
      return length;
    },
    strscpy: (to: Ptr, from: Ptr, size: number) => this.bounded(to, from, size),
    sized_strscpy: (to: Ptr, from: Ptr, size: number) => this.bounded(to, from, size),
    strscpy_pad: (to: Ptr, from: Ptr, size: number) => {
      const written = this.bounded(to, from, size);
      if (written >= 0 && size > written + 1)
        fillBytes(this.k.space, to + written + 1, 0, size - written - 1);
      return written;
    },
    strcat: (to: Ptr, from: Ptr) => {
      this.copyString(to + this.length(to), from);
      return to;
    },
    strncat: (to: Ptr, from: Ptr, count: number) => {
      if (count > 0) this.store(to + this.length(to), from, lengthOf(this.k.space, from, count));
      return to;
    },
    strlcat: (to: Ptr, from: Ptr, size: number) => {
      const start = this.length(to);
      const length = this.length(from);
      if (start >= size) throw new Oops('bug', 'kernel BUG at lib/string.c:337!', this.k.caller);
      this.store(to + start, from, Math.min(length, size - start - 1));
      return start + length;
    },
    strchr: (s: Ptr, value: number) => this.find(s, value, UNLIMITED) ?? 0,
    strchrnul: (s: Ptr, value: number) => this.find(s, value, UNLIMITED) ?? s + this.length(s),
    strnchr: (s: Ptr, limit: number, value: number) => this.find(s, value, limit) ?? 0,
    strnchrnul: (s: Ptr, limit: number, value: number) =>
      this.find(s, value, limit) ?? s + lengthOf(this.k.space, s, limit),
    strrchr: (s: Ptr, value: number) => {
      const at = this.k.space.bytes.subarray(s, s + this.length(s) + 1).lastIndexOf(value & 0xff);
      return at < 0 ? 0 : s + at;
    },
    strstr: (s: Ptr, part: Ptr) => this.search(s, UNLIMITED, part),
    strnstr: (s: Ptr, part: Ptr, limit: number) => this.search(s, limit, part),
    strspn: (s: Ptr, accept: Ptr) => this.span(s, accept, true),
    strcspn: (s: Ptr, reject: Ptr) => this.span(s, reject, false),
    strpbrk: (s: Ptr, accept: Ptr) => this.firstOf(s, accept),
    strsep: (slot: Ptr, delimiters: Ptr) => {
      const { space } = this.k;
      const start = space.loadPtr(slot);
      if (start === 0) return 0;
      const end = this.firstOf(start, delimiters);
      if (end !== 0) space.store8(end, 0);
      space.storePtr(slot, end === 0 ? 0 : end + 1);
      return start;
    },
    strreplace: (s: Ptr, old: number, replacement: number) => {
      const end = s + this.length(s);
      const bytes = this.k.space.writable(s, end - s);
      for (let i = 0; i < bytes.length; i++) if (bytes[i] === (old & 0xff)) bytes[i] = replacement;
      return end;
    },
    sysfs_streq: (a: Ptr, b: Ptr) => this.sysfsEqual(a, b),
    match_string: (array: Ptr, count: number, s: Ptr) =>
      this.match(array, count, (item) => compareStrings(this.k.space, item, s, UNLIMITED) === 0),
    __sysfs_match_string: (array: Ptr, count: number, s: Ptr) =>
      this.match(array, count, (item) => this.sysfsEqual(item, s)),
  };

  private store(to: Ptr, from: Ptr, length: number): void {
    this.k.traps.given(from, length, 'read');
    this.k.traps.given(to, length + 1, 'write');
    moveBytes(this.k.space, to, from, length);
    this.k.space.store8(to + length, 0);
  }

  /** strscpy(): the length, or -E2BIG if the string was cut. */
  private bounded(to: Ptr, from: Ptr, size: number): number {
    if (size === 0 || size > INT_MAX) return -E2BIG;
    const length = lengthOf(this.k.space, from, size);
    this.store(to, from, Math.min(length, size - 1));
    return length === size ? -E2BIG : length;
  }

  /** The first byte of a value before the end, counting the NUL itself. */
  private find(s: Ptr, value: number, limit: number): Ptr | undefined {
    const length = lengthOf(this.k.space, s, limit);
    const end = length < limit ? length + 1 : length;
    const at = this.k.space.bytes.subarray(s, s + end).indexOf(value & 0xff);
    return at < 0 ? undefined : s + at;
  }

  private search(s: Ptr, limit: number, part: Ptr): Ptr {
    const { space } = this.k;
    const wanted = space.cstring(part);
    if (wanted === '') return s;
    const text = limit === UNLIMITED ? space.cstring(s) : latin1(space.readable(s, limit));
    const at = text.indexOf(wanted);
    return at < 0 ? 0 : s + at;
  }

  private span(s: Ptr, set: Ptr, member: boolean): number {
    const { space } = this.k;
    const characters = space.cstring(set);
    const text = space.cstring(s);
    let at = 0;
    while (at < text.length && characters.includes(text[at]) === member) at++;
    return at;
  }

  private firstOf(s: Ptr, set: Ptr): Ptr {
    const at = this.span(s, set, false);
    return this.k.space.load8(s + at) === 0 ? 0 : s + at;
  }

  /** Equal but for a newline at the end of either. */
  private sysfsEqual(a: Ptr, b: Ptr): boolean {
    const { space } = this.k;
    const trim = (text: string): string => (text.endsWith('\n') ? text.slice(0, -1) : text);
    const x = space.cstring(a);
    const y = space.cstring(b);
    return x === y || trim(x) === y || x === trim(y);
  }

  private match(array: Ptr, count: number, equal: (item: Ptr) => boolean): number {
    for (let i = 0; i < count; i++) {
      const item = this.k.space.loadPtr(array + 8 * i);
      if (item === 0) break;
      if (equal(item)) return i;
    }
    return -EINVAL;
  }
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
