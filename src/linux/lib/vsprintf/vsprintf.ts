import type { Ptr } from '../../../cpu/layout.js';
import type { VarArgs } from '../../../kernel/abi/convention.js';
import { INT_MAX } from '../../abi/limits.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import type { FormatContext } from './context.js';
import { format, formatUpTo } from './format.js';
import { kernelContext } from './kernel-context.js';
import { scan } from './scan.js';
import { listOf } from './va-list.js';

/** No buffer for a text is larger: what kmalloc gives at most, and some. */
const MAX_TEXT = 5 << 20;

/** printf and scanf into memory (lib/vsprintf.c, Documentation/core-api/printk-formats.rst). */
export class Vsprintf implements Subsystem {
  readonly context: FormatContext;

  constructor(private readonly k: LinuxKernel) {
    this.context = kernelContext(k);
  }

  readonly exports = {
    snprintf: (buf: Ptr, size: number, fmt: Ptr, args: VarArgs) => this.print(buf, size, fmt, args),
    vsnprintf: (buf: Ptr, size: number, fmt: Ptr, args: Ptr) =>
      this.print(buf, size, fmt, this.k.convention.vaList(args)),
    scnprintf: (buf: Ptr, size: number, fmt: Ptr, args: VarArgs) =>
      stored(this.print(buf, size, fmt, args), size),
    vscnprintf: (buf: Ptr, size: number, fmt: Ptr, args: Ptr) =>
      stored(this.print(buf, size, fmt, this.k.convention.vaList(args)), size),
    sprintf: (buf: Ptr, fmt: Ptr, args: VarArgs) => this.print(buf, INT_MAX, fmt, args),
    vsprintf: (buf: Ptr, fmt: Ptr, args: Ptr) =>
      this.print(buf, INT_MAX, fmt, this.k.convention.vaList(args)),
    kasprintf: (_gfp: number, fmt: Ptr, args: VarArgs) => this.allocate(this.text(fmt, args)),
    kvasprintf: (_gfp: number, fmt: Ptr, args: Ptr) =>
      this.allocate(this.text(fmt, this.k.convention.vaList(args))),
    kvasprintf_const: (_gfp: number, fmt: Ptr, args: Ptr) =>
      this.constant(fmt, this.k.convention.vaList(args)),
    sscanf: (buf: Ptr, fmt: Ptr, args: VarArgs) => scan(this.k.space, buf, fmt, args),
    vsscanf: (buf: Ptr, fmt: Ptr, args: Ptr) => scan(this.k.space, buf, fmt, this.k.convention.vaList(args)),
  };

  /** The text of a format in guest memory, as bytes (characters 0 to 255); its first `limit` characters. */
  text(fmt: Ptr, args: VarArgs, limit = MAX_TEXT): string {
    return formatUpTo(this.context, this.k.space.cstring(fmt), args, limit).text;
  }

  /** What `%p` makes of an address that is neither NULL nor an error. */
  hashedPointer(address: bigint): string {
    return this.context.hashPointer(address).toString(16).padStart(16, '0');
  }

  private print(buf: Ptr, size: number, fmt: Ptr, args: VarArgs): number {
    if (size > INT_MAX) {
      this.context.warnOnce('');
      return 0;
    }
    const limit = Math.min(Math.max(size - 1, 0), MAX_TEXT);
    const { text, length } = formatUpTo(this.context, this.k.space.cstring(fmt), args, limit);
    if (size > 0) this.k.space.storeCstring(buf, text);
    return length;
  }

  private allocate(text: string): Ptr {
    const ptr = this.k.slab.allocateBytes(text.length + 1, false);
    if (ptr !== 0) this.k.space.storeCstring(ptr, text);
    return ptr;
  }

  /** A format without conversions, or "%s" of a constant string, needs no copy if it is in the image. */
  private constant(fmt: Ptr, args: VarArgs): Ptr {
    const { k } = this;
    const isConstant = (ptr: Ptr): boolean =>
      ptr >= k.symbol('__start_rodata') && ptr < k.symbol('__end_rodata');
    const text = k.space.cstring(fmt);
    if (!text.includes('%') && isConstant(fmt)) return fmt;
    if (text === '%s') {
      const argument = args.nextPtr();
      return isConstant(argument) ? argument : this.allocate(k.space.cstring(argument));
    }
    return this.allocate(format(this.context, text, args));
  }
}

function stored(length: number, size: number): number {
  return length < size ? length : Math.max(size - 1, 0);
}

/**
 * Text of a format string given in TypeScript. Arguments are raw 64-bit values: pass pointers as addresses
 * (`k.space.toAddress(ptr)`), integers as they are.
 */
export function sprintf(k: LinuxKernel, fmt: string, ...args: (number | bigint)[]): string {
  return format(k.get(Vsprintf).context, fmt, listOf(k.space, args));
}
