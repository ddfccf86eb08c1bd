import type { AddressSpace } from '../../cpu/address-space.js';
import type { VarArgs } from '../../kernel/abi/convention.js';

/** Widths and precisions that can be printed at all: a module's mistake is not to fill the host's memory. */
const MOST = 4096;

interface Spec {
  left: boolean;
  plus: boolean;
  alternate: boolean;
  zero: boolean;
  width: number;
  precision: number | undefined;
  /** Bytes of an integer argument. */
  size: 1 | 2 | 4 | 8;
}

/**
 * printf of the kernel (kvprintf(), sys/kern/subr_prf.c), as printf(9) describes it, with its own conversions: %b (bits by name), %D (hex
 * dump), %r (in the radix that the caller gives), %y (signed hexadecimal). What is no conversion is printed as it is, and nothing is
 * taken for one from there on, as there.
 */
export function kvprintf(space: AddressSpace, format: string, args: VarArgs, radix = 10): string {
  let out = '';
  let at = 0;
  while (at < format.length) {
    const percent = format.indexOf('%', at);
    if (percent < 0) return out + format.slice(at);
    out += format.slice(at, percent);
    const conversion = new Conversion(space, format, percent, args, radix);
    const text = conversion.run();
    if (text === undefined) return out + format.slice(percent);
    out += text;
    at = conversion.at;
  }
  return out;
}

class Conversion {
  at: number;
  private readonly spec: Spec = {
    left: false,
    plus: false,
    alternate: false,
    zero: false,
    width: 0,
    precision: undefined,
    size: 4,
  };

  constructor(
    private readonly space: AddressSpace,
    private readonly format: string,
    percent: number,
    private readonly args: VarArgs,
    private readonly radix: number,
  ) {
    this.at = percent + 1;
  }

  /** Undefined for what is no conversion. */
  run(): string | undefined {
    const { spec, args } = this;
    for (;;) {
      const c = this.format[this.at++];
      switch (c) {
        case '.':
          spec.precision = 0;
          break;
        case '#':
          spec.alternate = true;
          break;
        case '+':
          spec.plus = true;
          break;
        case '-':
          spec.left = true;
          break;
        case '%':
          return '%';
        case '*':
          this.star();
          break;
        case '0':
          if (spec.precision === undefined) spec.zero = true;
          else this.number('0');
          break;
        case '1':
        case '2':
        case '3':
        case '4':
        case '5':
        case '6':
        case '7':
        case '8':
        case '9':
          this.number(c);
          break;
        case 'l':
        case 'j':
        case 't':
        case 'z':
        case 'q':
          spec.size = 8;
          break;
        case 'h':
          spec.size = spec.size === 2 ? 1 : 2;
          break;
        case 'b':
          return this.bits();
        case 'c':
          return this.padded(String.fromCharCode(args.nextInt() & 0xff));
        case 'D':
          return this.dump();
        case 'd':
        case 'i':
          return this.integer(10, true);
        case 'n':
          return this.count();
        case 'o':
          return this.integer(8, false);
        case 'p':
          spec.size = 8;
          spec.alternate = spec.width === 0;
          return this.integer(16, false);
        case 'r':
          return this.integer(this.radix, spec.plus);
        case 's':
          return this.string();
        case 'u':
          return this.integer(10, false);
        case 'x':
          return this.integer(16, false);
        case 'X':
          return this.integer(16, false)?.toUpperCase();
        case 'y':
          return this.integer(16, true);
        default:
          return undefined;
      }
    }
  }

  private star(): void {
    const { spec, args } = this;
    const value = args.nextInt();
    if (spec.precision !== undefined) spec.precision = Math.min(MOST, Math.max(0, value));
    else {
      spec.left = spec.left || value < 0;
      spec.width = Math.min(MOST, Math.abs(value));
    }
  }

  private number(first: string): void {
    let digits = first;
    while (/[0-9]/.test(this.format[this.at] ?? '')) digits += this.format[this.at++];
    const value = Math.min(MOST, Number(digits));
    if (this.spec.precision !== undefined) this.spec.precision = value;
    else this.spec.width = value;
  }

  private take(signed: boolean): bigint {
    const bits = this.spec.size * 8;
    const value = this.args.next64();
    return signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
  }

  private integer(base: number, signed: boolean): string {
    const { spec } = this;
    const value = this.take(signed);
    const negative = value < 0n;
    let digits = (negative ? -value : value).toString(base);
    const sign = negative ? '-' : spec.plus && signed ? '+' : '';
    const prefix = !spec.alternate || value === 0n ? '' : base === 16 ? '0x' : base === 8 ? '0' : '';
    if (spec.precision !== undefined) digits = digits.padStart(spec.precision, '0');
    const rest = sign.length + prefix.length;
    if (spec.zero && !spec.left && spec.precision === undefined)
      digits = digits.padStart(spec.width - rest, '0');
    return this.padded(sign + prefix + digits);
  }

  private string(): string {
    const { spec } = this;
    const ptr = this.args.nextPtr();
    const text = ptr === 0 ? '(null)' : this.space.cstring(ptr, spec.precision);
    return this.padded(text.slice(0, spec.precision));
  }

  private padded(text: string): string {
    const { left, width } = this.spec;
    return left ? text.padEnd(width) : text.padStart(width);
  }

  /** %n: the number of characters so far is not kept; nothing is written through the pointer, as in the kernel since 14. */
  private count(): string {
    this.args.nextPtr();
    return '';
  }

  /** `%b` takes an int and a string: the base as a byte, then bit numbers as bytes (from 1), each with its name. */
  private bits(): string {
    const value = this.args.nextInt() >>> 0;
    const names = this.space.cstring(this.args.nextPtr());
    const base = names.charCodeAt(0) || 16;
    let out = value.toString(Math.min(36, Math.max(2, base)));
    if (value === 0) return this.padded(out);
    let listed = '';
    for (let at = 1; at < names.length; ) {
      const bit = names.charCodeAt(at++) - 1;
      let end = at;
      while (end < names.length && names.charCodeAt(end) > 32) end++;
      if (bit < 32 && (value >>> bit) & 1) listed += `${listed === '' ? '<' : ','}${names.slice(at, end)}`;
      at = end;
    }
    if (listed !== '') out += `${listed}>`;
    return this.padded(out);
  }

  /** `%D` takes a pointer and a separator: so many bytes (16 by default) as two digits each. */
  private dump(): string {
    const ptr = this.args.nextPtr();
    const separator = this.space.cstring(this.args.nextPtr());
    const count = this.spec.width === 0 ? 16 : this.spec.width;
    return [...this.space.readable(ptr, count)]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join(separator);
  }
}
