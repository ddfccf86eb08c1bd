import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import { LOGLEVEL_INFO } from '../../kernel/log.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { kvprintf } from './format.js';
import { Panic } from './panic.js';

/** LOG_PRIMASK (sys/syslog.h). */
export const PRIMASK = 7;

/** printf(9), log(9) and their kin (sys/kern/subr_prf.c). */
export class SubrPrf implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    printf: (format: Ptr, args: VarArgs) => this.print(this.text(format, args)),
    vprintf: (format: Ptr, list: Ptr) => this.print(this.vtext(format, list)),
    uprintf: (format: Ptr, args: VarArgs) => this.print(this.text(format, args)),
    log: (level: number, format: Ptr, args: VarArgs) => {
      this.k.log.write(this.text(format, args), level & PRIMASK);
    },
    vlog: (level: number, format: Ptr, list: Ptr) => {
      this.k.log.write(this.vtext(format, list), level & PRIMASK);
    },
    sprintf: (to: Ptr, format: Ptr, args: VarArgs) => this.store(to, undefined, this.text(format, args)),
    vsprintf: (to: Ptr, format: Ptr, list: Ptr) => this.store(to, undefined, this.vtext(format, list)),
    snprintf: (to: Ptr, size: number, format: Ptr, args: VarArgs) =>
      this.store(to, size, this.text(format, args)),
    vsnprintf: (to: Ptr, size: number, format: Ptr, list: Ptr) =>
      this.store(to, size, this.vtext(format, list)),
    panic: (format: Ptr, args: VarArgs): never => {
      throw new Panic(this.text(format, args));
    },
    vpanic: (format: Ptr, list: Ptr): never => {
      throw new Panic(this.vtext(format, list));
    },
    kassert_panic: (format: Ptr, args: VarArgs): never => {
      throw new Panic(this.text(format, args));
    },
    hexdump: (ptr: Ptr, length: number, head: Ptr, flags: number) => this.hexdump(ptr, length, head, flags),
  };

  /** What a format and its arguments come to. */
  text(format: Ptr, args: VarArgs): string {
    return kvprintf(this.k.space, this.k.space.cstring(format), args);
  }

  vtext(format: Ptr, list: Ptr): string {
    return this.text(format, this.k.convention.vaList(list));
  }

  /** To the message buffer and the console. */
  print(text: string): number {
    // A piece goes on with the line that the same thread began; a new line is the kernel's own priority.
    this.k.log.write(text, undefined);
    return text.length;
  }

  /** A line of the kernel's own. */
  line(text: string): void {
    this.k.log.line(text, LOGLEVEL_INFO);
  }

  private store(to: Ptr, size: number | undefined, text: string): number {
    if (size === 0) return text.length;
    const kept = size === undefined ? text : text.slice(0, size - 1);
    this.k.trap.given(to, kept.length + 1, 'write');
    this.k.space.storeCstring(to, kept);
    return text.length;
  }

  /** Lines of 16 bytes; flags leave out the offset (HD_OMIT_COUNT), the bytes or the characters (sys/sys/systm.h). */
  private hexdump(ptr: Ptr, length: number, head: Ptr, flags: number): void {
    const columns = flags & this.k.macro('HD_COLUMN_MASK') || 16;
    const prefix = head === 0 ? '' : this.k.space.cstring(head);
    for (let at = 0; at < length; at += columns) {
      const bytes = [...this.k.space.readable(ptr + at, Math.min(columns, length - at))];
      let line = prefix;
      if (!(flags & this.k.macro('HD_OMIT_COUNT'))) line += `${at.toString(16).padStart(4, '0')}  `;
      if (!(flags & this.k.macro('HD_OMIT_HEX')))
        line += bytes
          .map((byte) => ` ${byte.toString(16).padStart(2, '0')}`)
          .join('')
          .padEnd(3 * columns);
      if (!(flags & this.k.macro('HD_OMIT_CHARS')))
        line += `  |${bytes.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('')}|`;
      this.line(line);
    }
  }
}
