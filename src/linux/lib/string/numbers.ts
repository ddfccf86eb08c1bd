import type { Ptr } from '../../../cpu/layout.js';
import { EFAULT, EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { type IntegerType, parseBool, parseInteger } from './kstrtox.js';
import { parseDigits } from './simple-strto.js';

const TYPES: Readonly<Record<string, IntegerType>> = {
  ull: { signed: false, bits: 64 },
  ll: { signed: true, bits: 64 },
  ul: { signed: false, bits: 64 },
  l: { signed: true, bits: 64 },
  uint: { signed: false, bits: 32 },
  int: { signed: true, bits: 32 },
  u16: { signed: false, bits: 16 },
  s16: { signed: true, bits: 16 },
  u8: { signed: false, bits: 8 },
  s8: { signed: true, bits: 8 },
};

const SUFFIXES = ['K', 'M', 'G', 'T', 'P', 'E'];

type Parser = (s: Ptr, base: number, result: Ptr) => number;
type UserParser = (s: Ptr, count: number, base: number, result: Ptr) => number;

/** Text to numbers (include/linux/kstrtox.h, lib/cmdline.c). */
export class Numbers implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    ...this.family(
      (type): Parser =>
        (s, base, result) =>
          this.parse(this.k.space.cstring(s), base, result, type),
      '',
    ),
    _kstrtoul: (s: Ptr, base: number, result: Ptr) =>
      this.parse(this.k.space.cstring(s), base, result, TYPES.ul),
    _kstrtol: (s: Ptr, base: number, result: Ptr) =>
      this.parse(this.k.space.cstring(s), base, result, TYPES.l),
    ...this.family(
      (type): UserParser =>
        (s, count, base, result) => {
          const text = this.userText(s, Math.min(count, type.bits + 2));
          return text === undefined ? -EFAULT : this.parse(text, base, result, type);
        },
      '_from_user',
    ),
    kstrtobool: (s: Ptr, result: Ptr) => (s === 0 ? -EINVAL : this.bool(this.k.space.cstring(s), result)),
    kstrtobool_from_user: (s: Ptr, count: number, result: Ptr) => {
      const text = this.userText(s, Math.min(count, 3));
      return text === undefined ? -EFAULT : this.bool(text, result);
    },
    simple_strtoull: (s: Ptr, end: Ptr, base: number) => this.simple(s, end, base),
    simple_strtoul: (s: Ptr, end: Ptr, base: number) => this.simple(s, end, base),
    simple_strtoll: (s: Ptr, end: Ptr, base: number) => this.simpleSigned(s, end, base),
    simple_strtol: (s: Ptr, end: Ptr, base: number) => this.simpleSigned(s, end, base),
    memparse: (s: Ptr, end: Ptr) => {
      const { space } = this.k;
      const text = space.cstring(s);
      const { value, length } = parseDigits(text, 0);
      const power = SUFFIXES.indexOf((text[length] ?? '?').toUpperCase()) + 1;
      if (end !== 0) space.storePtr(end, s + length + (power > 0 ? 1 : 0));
      return BigInt.asUintN(64, value << BigInt(10 * power));
    },
    get_option: (slot: Ptr, result: Ptr) => this.option(slot, result),
    get_options: (s: Ptr, count: number, out: Ptr) => this.options(s, count, out),
  };

  private family<T>(make: (type: IntegerType) => T, suffix: string): Record<string, T> {
    const named = Object.entries(TYPES).filter(([name]) => suffix !== '' || (name !== 'ul' && name !== 'l'));
    return Object.fromEntries(named.map(([name, type]) => [`kstrto${name}${suffix}`, make(type)]));
  }

  private parse(text: string, base: number, result: Ptr, type: IntegerType): number {
    const parsed = parseInteger(text, base, type);
    if ('error' in parsed) return parsed.error;
    const { space } = this.k;
    const raw = BigInt.asUintN(64, parsed.value);
    if (type.bits === 64) space.store64(result, raw);
    else if (type.bits === 32) space.store32(result, Number(raw & 0xffff_ffffn));
    else if (type.bits === 16) space.store16(result, Number(raw & 0xffffn));
    else space.store8(result, Number(raw & 0xffn));
    return 0;
  }

  private bool(text: string, result: Ptr): number {
    const value = parseBool(text);
    if (value === undefined) return -EINVAL;
    this.k.space.store8(result, value ? 1 : 0);
    return 0;
  }

  private userText(s: Ptr, count: number): string | undefined {
    const { space } = this.k;
    if (!space.user.canRead(s, count)) return undefined;
    return space.user.within(() => space.cstring(s, count));
  }

  private simple(s: Ptr, end: Ptr, base: number): bigint {
    const { value, length } = parseDigits(this.k.space.cstring(s), base);
    if (end !== 0) this.k.space.storePtr(end, s + length);
    return value;
  }

  private simpleSigned(s: Ptr, end: Ptr, base: number): bigint {
    return this.k.space.load8(s) === 0x2d ? -this.simple(s + 1, end, base) : this.simple(s, end, base);
  }

  /** get_option(): 0 no number, 1 the last one, 2 a comma follows (and is skipped), 3 a dash follows. */
  private option(slot: Ptr, result: Ptr): number {
    const { space } = this.k;
    let at = space.loadPtr(slot);
    if (at === 0 || space.load8(at) === 0) return 0;
    const isNegative = space.load8(at) === 0x2d;
    if (isNegative) at++;
    const value = this.simple(at, slot, 0);
    if (result !== 0) space.store32(result, Number(BigInt.asUintN(32, isNegative ? -value : value)));
    const end = space.loadPtr(slot);
    if (end === at) return 0;
    const next = String.fromCharCode(space.load8(end));
    if (next === ',') space.storePtr(slot, end + 1);
    return next === ',' ? 2 : next === '-' ? 3 : 1;
  }

  /** Numbers and ranges with commas; ints[0] is their count, of which none is stored where `count` is 0. Where parsing stopped. */
  private options(s: Ptr, count: number, out: Ptr): Ptr {
    const { space } = this.k;
    this.slot ||= this.k.permanent(8);
    const { slot } = this;
    const isCheck = count === 0;
    space.storePtr(slot, s);
    let next = 1;
    while (isCheck || next < count) {
      const place = isCheck ? out : out + 4 * next;
      const what = this.option(slot, place);
      if (what === 0) break;
      if (what === 3) {
        const steps = this.range(slot, place, isCheck ? 0 : count - next);
        if (steps < 0) break;
        next += steps - 1;
      }
      next++;
      if (what === 1) break;
    }
    space.store32(out, next - 1);
    return space.loadPtr(slot);
  }

  /** Where get_options() keeps how far it is. */
  private slot: Ptr = 0;

  /** The numbers of a range but its last, which comes as a number of its own; their count, negative where it ends before it begins. */
  private range(slot: Ptr, place: Ptr, room: number): number {
    const { space } = this.k;
    const at = space.loadPtr(slot) + 1;
    space.storePtr(slot, at);
    const first = space.loadInt32(place);
    const last = Number(BigInt.asIntN(32, this.simpleSigned(at, 0, 0)));
    for (let i = 0; i < room && first + i < last; i++) space.store32(place + 4 * i, first + i);
    return last - first;
  }
}
