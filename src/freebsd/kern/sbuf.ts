import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EDEADLK, ENOMEM } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Malloc } from './malloc.js';
import { defineType } from './malloc-type.js';
import { SubrPrf } from './subr_prf.js';
import { Sysctls } from './sysctl.js';
import { Uio } from './uio.js';

/** Bytes that a buffer is given at first, and from which on it grows by pages. */
const LEAST = 16;
const PAGE = 4096;
/** Bytes on a line of sbuf_hexdump(). */
const COLUMNS = 16;

/** sbuf(9) (sys/kern/subr_sbuf.c): strings that grow, or that are given away piece by piece where they have a drain. */
export class Sbufs implements Subsystem {
  private type: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    sbuf_new: (sbuf: Ptr, buffer: Ptr, length: number, flags: number) =>
      this.create(sbuf, buffer, length, flags),
    sbuf_new_for_sysctl: (sbuf: Ptr, buffer: Ptr, length: number, req: Ptr) =>
      this.createForSysctl(sbuf, buffer, length, req),
    sbuf_uionew: (sbuf: Ptr, uio: Ptr, error: Ptr) => this.fromUio(sbuf, uio, error),
    sbuf_delete: (sbuf: Ptr) => this.delete(sbuf),
    sbuf_clear: (sbuf: Ptr) => this.clear(sbuf),
    sbuf_setpos: (sbuf: Ptr, position: number) => {
      if (position < 0 || position > this.get(sbuf, 's_len')) return -1;
      this.set(sbuf, 's_len', position);
      return 0;
    },
    sbuf_get_flags: (sbuf: Ptr) => this.get(sbuf, 's_flags') & this.flag('SBUF_USRFLAGMSK'),
    sbuf_set_flags: (sbuf: Ptr, flags: number) =>
      this.set(sbuf, 's_flags', this.get(sbuf, 's_flags') | (flags & this.flag('SBUF_USRFLAGMSK'))),
    sbuf_clear_flags: (sbuf: Ptr, flags: number) =>
      this.set(sbuf, 's_flags', this.get(sbuf, 's_flags') & ~(flags & this.flag('SBUF_USRFLAGMSK'))),
    sbuf_set_drain: (sbuf: Ptr, fn: Ptr, arg: Ptr) => {
      this.set(sbuf, 's_drain_func', fn);
      this.set(sbuf, 's_drain_arg', arg);
    },
    sbuf_count_drain: (total: Ptr, _data: Ptr, length: number) => {
      this.k.space.store64(total, this.k.space.load64(total) + BigInt(length));
      return length;
    },
    sbuf_printf_drain: (total: Ptr, data: Ptr, length: number) => {
      if (total !== 0) this.k.space.store64(total, this.k.space.load64(total) + BigInt(length));
      return this.k.get(SubrPrf).print(this.k.space.cstring(data, length));
    },
    sbuf_bcat: (sbuf: Ptr, data: Ptr, length: number) => this.result(sbuf, this.k.space.readable(data, length)),
    sbuf_bcpy: (sbuf: Ptr, data: Ptr, length: number) => {
      this.clear(sbuf);
      return this.result(sbuf, this.k.space.readable(data, length));
    },
    sbuf_cat: (sbuf: Ptr, text: Ptr) => this.result(sbuf, bytesOf(this.k.space.cstring(text))),
    sbuf_cpy: (sbuf: Ptr, text: Ptr) => {
      this.clear(sbuf);
      return this.result(sbuf, bytesOf(this.k.space.cstring(text)));
    },
    sbuf_putc: (sbuf: Ptr, char: number) => this.result(sbuf, new Uint8Array([char])),
    sbuf_printf: (sbuf: Ptr, format: Ptr, args: VarArgs) =>
      this.result(sbuf, bytesOf(this.k.get(SubrPrf).text(format, args))),
    sbuf_vprintf: (sbuf: Ptr, format: Ptr, list: Ptr) =>
      this.result(sbuf, bytesOf(this.k.get(SubrPrf).vtext(format, list))),
    sbuf_nl_terminate: (sbuf: Ptr) => this.endLine(sbuf),
    sbuf_trim: (sbuf: Ptr) => this.trim(sbuf),
    sbuf_error: (sbuf: Ptr) => this.get(sbuf, 's_error'),
    sbuf_finish: (sbuf: Ptr) => this.finish(sbuf),
    sbuf_data: (sbuf: Ptr) => this.get(sbuf, 's_buf'),
    sbuf_len: (sbuf: Ptr) => this.length(sbuf),
    sbuf_done: (sbuf: Ptr) => Number(this.has(sbuf, 'SBUF_FINISHED')),
    sbuf_putbuf: (sbuf: Ptr) => {
      this.k.get(SubrPrf).print(this.k.space.cstring(this.get(sbuf, 's_buf')));
    },
    sbuf_start_section: (sbuf: Ptr, old: Ptr) => this.startSection(sbuf, old),
    sbuf_end_section: (sbuf: Ptr, old: number, pad: number, char: number) =>
      this.endSection(sbuf, old, pad, char),
    sbuf_hexdump: (sbuf: Ptr, data: Ptr, length: number, head: Ptr, flags: number) =>
      this.hexdump(sbuf, data, length, head, flags),
  };

  readonly signatures = {
    sbuf_count_drain: 'i:ppi',
    sbuf_printf_drain: 'i:ppi',
  };

  boot(): void {
    this.type = defineType(this.k, 'M_SBUF', 'sbuf');
  }

  private get(sbuf: Ptr, member: string): number {
    return this.k.struct('sbuf').get(sbuf, member);
  }

  private set(sbuf: Ptr, member: string, value: number): void {
    this.k.struct('sbuf').set(sbuf, member, value);
  }

  private flag(name: string): number {
    return this.k.macro(name);
  }

  private has(sbuf: Ptr, flag: string): boolean {
    return (this.get(sbuf, 's_flags') & this.flag(flag)) !== 0;
  }

  private raise(sbuf: Ptr, flag: string): void {
    this.set(sbuf, 's_flags', this.get(sbuf, 's_flags') | this.flag(flag));
  }

  private lower(sbuf: Ptr, flag: string): void {
    this.set(sbuf, 's_flags', this.get(sbuf, 's_flags') & ~this.flag(flag));
  }

  private allocate(bytes: number, flags: number): Ptr {
    const { k } = this;
    const wait = flags & this.flag('SBUF_NOWAIT') ? k.macro('M_NOWAIT') : k.macro('M_WAITOK');
    return k.get(Malloc).malloc(bytes, this.type, wait | k.macro('M_ZERO'));
  }

  /** Struct and buffer are allocated where none is given. */
  private create(given: Ptr, buffer: Ptr, length: number, wanted: number): Ptr {
    const { k } = this;
    const type = k.struct('sbuf');
    const flags = wanted & this.flag('SBUF_USRFLAGMSK');
    const at = given === 0 ? this.allocate(type.size, flags) : given;
    if (at === 0) return 0;
    if (given !== 0) k.space.writable(at, type.size).fill(0);
    const own = given === 0 ? this.flag('SBUF_DYNSTRUCT') : 0;
    type.set(at, 's_flags', flags | own | this.flag('SBUF_DRAINATEOL'));
    type.set(at, 's_size', length);
    type.set(at, 's_buf', buffer);
    if (buffer !== 0) return at;
    if (flags & this.flag('SBUF_AUTOEXTEND')) type.set(at, 's_size', extended(length));
    const data = this.allocate(type.get(at, 's_size'), flags);
    if (data === 0) {
      if (given === 0) k.get(Malloc).free(at, this.type);
      return 0;
    }
    type.set(at, 's_buf', data);
    this.raise(at, 'SBUF_DYNAMIC');
    return at;
  }

  private createForSysctl(given: Ptr, buffer: Ptr, length: number, req: Ptr): Ptr {
    const sbuf = this.create(given, buffer, length, 0);
    if (sbuf === 0) return 0;
    const drain = this.k.exports.hostFunction('sbuf_sysctl_drain', 'i:ppi', (arg, data, bytes) =>
      this.drainToSysctl(arg, data, bytes),
    );
    this.set(sbuf, 's_drain_func', drain);
    this.set(sbuf, 's_drain_arg', req);
    return sbuf;
  }

  private *drainToSysctl(req: Ptr, data: Ptr, length: number): Sleepable<number> {
    const error = yield* this.k.get(Sysctls).out(req, this.k.space.readable(data, length).slice());
    return error === 0 ? length : -error;
  }

  private *fromUio(given: Ptr, uio: Ptr, errorPlace: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const bytes = k.struct('uio').get(uio, 'uio_resid');
    const sbuf = this.create(given, 0, bytes + 1, 0);
    if (sbuf === 0) {
      k.space.store32(errorPlace, ENOMEM);
      return 0;
    }
    const error = yield* k.wait(k.get(Uio).exports.uiomove(this.get(sbuf, 's_buf'), bytes, uio));
    k.space.store32(errorPlace, error);
    if (error !== 0) {
      this.delete(sbuf);
      return 0;
    }
    this.set(sbuf, 's_len', bytes);
    return sbuf;
  }

  private delete(sbuf: Ptr): void {
    const { k } = this;
    const flags = this.get(sbuf, 's_flags');
    if (flags & this.flag('SBUF_DYNAMIC')) k.get(Malloc).free(this.get(sbuf, 's_buf'), this.type);
    k.space.writable(sbuf, k.sizeOf('sbuf')).fill(0);
    if (flags & this.flag('SBUF_DYNSTRUCT')) k.get(Malloc).free(sbuf, this.type);
  }

  private clear(sbuf: Ptr): void {
    this.lower(sbuf, 'SBUF_FINISHED');
    for (const member of ['s_error', 's_len', 's_rec_off', 's_sect_len']) this.set(sbuf, member, 0);
  }

  private room(sbuf: Ptr): number {
    return this.get(sbuf, 's_size') - this.get(sbuf, 's_len') - 1;
  }

  private *result(sbuf: Ptr, bytes: Uint8Array): Sleepable<number> {
    yield* this.put(sbuf, bytes.slice());
    return this.get(sbuf, 's_error') === 0 ? 0 : -1;
  }

  /** Adds bytes: what does not fit is drained, or the buffer grows; else it is an error that stays. */
  private *put(sbuf: Ptr, bytes: Uint8Array): Sleepable<void> {
    const { space } = this.k;
    for (let at = 0; at < bytes.length; ) {
      if (this.get(sbuf, 's_error') !== 0) return;
      if (this.room(sbuf) <= 0) {
        if (this.get(sbuf, 's_drain_func') !== 0) yield* this.drain(sbuf);
        else if (!this.extend(sbuf, bytes.length - at)) this.set(sbuf, 's_error', ENOMEM);
        continue;
      }
      const length = this.get(sbuf, 's_len');
      const count = Math.min(this.room(sbuf), bytes.length - at);
      space.writable(this.get(sbuf, 's_buf') + length, count).set(bytes.subarray(at, at + count));
      this.set(sbuf, 's_len', length + count);
      if (this.has(sbuf, 'SBUF_INSECTION'))
        this.set(sbuf, 's_sect_len', this.get(sbuf, 's_sect_len') + count);
      at += count;
    }
  }

  private *drain(sbuf: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('sbuf');
    const record = this.get(sbuf, 's_rec_off');
    const byRecord = this.has(sbuf, 'SBUF_DRAINTOEOR');
    const [data, length] = [this.get(sbuf, 's_buf'), this.get(sbuf, 's_len')];
    if (byRecord && record === 0) {
      this.set(sbuf, 's_error', EDEADLK);
      return;
    }
    const arg = type.get(sbuf, 's_drain_arg');
    const drained = yield* k.callAs('i:ppi', type.get(sbuf, 's_drain_func'), arg, data, byRecord ? record : length);
    if (drained <= 0) {
      this.set(sbuf, 's_error', drained === 0 ? EDEADLK : -drained);
      return;
    }
    this.set(sbuf, 's_len', length - drained);
    this.set(sbuf, 's_rec_off', record - drained);
    if (length === drained) {
      if (k.space.load8(data + drained - 1) === 10) this.raise(sbuf, 'SBUF_DRAINATEOL');
      else this.lower(sbuf, 'SBUF_DRAINATEOL');
    } else k.space.bytes.copyWithin(data, data + drained, data + length);
  }

  private extend(sbuf: Ptr, more: number): boolean {
    const { k } = this;
    const flags = this.get(sbuf, 's_flags');
    if ((flags & this.flag('SBUF_AUTOEXTEND')) === 0) return false;
    const [old, size] = [this.get(sbuf, 's_buf'), this.get(sbuf, 's_size')];
    const bytes = extended(size + more);
    const at = this.allocate(bytes, flags);
    if (at === 0) return false;
    k.space.bytes.copyWithin(at, old, old + size);
    if (flags & this.flag('SBUF_DYNAMIC')) k.get(Malloc).free(old, this.type);
    else this.raise(sbuf, 'SBUF_DYNAMIC');
    this.set(sbuf, 's_buf', at);
    this.set(sbuf, 's_size', bytes);
    return true;
  }

  private *endLine(sbuf: Ptr): Sleepable<number> {
    const length = this.get(sbuf, 's_len');
    const atEnd =
      length === 0
        ? this.has(sbuf, 'SBUF_DRAINATEOL')
        : this.k.space.load8(this.get(sbuf, 's_buf') + length - 1) === 10;
    if (!atEnd) yield* this.put(sbuf, new Uint8Array([10]));
    return this.get(sbuf, 's_error') === 0 ? 0 : -1;
  }

  /** Takes white space from the end. */
  private trim(sbuf: Ptr): number {
    if (this.get(sbuf, 's_error') !== 0) return -1;
    const data = this.get(sbuf, 's_buf');
    let length = this.get(sbuf, 's_len');
    while (length > 0 && isSpace(this.k.space.load8(data + length - 1))) length--;
    this.set(sbuf, 's_len', length);
    return 0;
  }

  /** Ends the string with a NUL; what is drained is drained. 0, or the error that there was. */
  private *finish(sbuf: Ptr): Sleepable<number> {
    const length = this.get(sbuf, 's_len');
    this.k.space.store8(this.get(sbuf, 's_buf') + length, 0);
    if (this.has(sbuf, 'SBUF_INCLUDENUL') && this.get(sbuf, 's_error') === 0) this.set(sbuf, 's_len', length + 1);
    if (this.get(sbuf, 's_drain_func') !== 0)
      while (this.get(sbuf, 's_len') > 0 && this.get(sbuf, 's_error') === 0) yield* this.drain(sbuf);
    this.raise(sbuf, 'SBUF_FINISHED');
    return this.get(sbuf, 's_error');
  }

  private length(sbuf: Ptr): number {
    if (this.get(sbuf, 's_error') !== 0) return -1;
    const length = this.get(sbuf, 's_len');
    // The NUL that is counted is none of the string's.
    const counted = this.has(sbuf, 'SBUF_FINISHED') && this.has(sbuf, 'SBUF_INCLUDENUL') && length > 0;
    return counted ? length - 1 : length;
  }

  /** A section's length is counted; one within another keeps the outer one's at `old`. */
  private startSection(sbuf: Ptr, old: Ptr): void {
    const { space } = this.k;
    if (this.has(sbuf, 'SBUF_INSECTION')) {
      space.storeLong(old, this.get(sbuf, 's_sect_len'));
      this.set(sbuf, 's_sect_len', 0);
      return;
    }
    if (old !== 0) space.storeLong(old, -1);
    this.set(sbuf, 's_rec_off', this.get(sbuf, 's_len'));
    this.raise(sbuf, 'SBUF_INSECTION');
  }

  private *endSection(sbuf: Ptr, old: number, pad: number, char: number): Sleepable<number> {
    if (pad > 1) {
      const length = this.get(sbuf, 's_sect_len');
      const missing = Math.ceil(length / pad) * pad - length;
      yield* this.put(sbuf, new Uint8Array(missing).fill(char));
    }
    const length = this.get(sbuf, 's_sect_len');
    if (old === -1) {
      this.set(sbuf, 's_rec_off', 0);
      this.set(sbuf, 's_sect_len', 0);
      this.lower(sbuf, 'SBUF_INSECTION');
    } else this.set(sbuf, 's_sect_len', old + length);
    return this.get(sbuf, 's_error') === 0 ? length : -1;
  }

  /** Lines as hexdump(9) prints them. */
  private *hexdump(sbuf: Ptr, data: Ptr, length: number, head: Ptr, flags: number): Sleepable<void> {
    const columns = flags & this.flag('HD_COLUMN_MASK') || COLUMNS;
    const delimiter = String.fromCharCode((flags & this.flag('HD_DELIM_MASK')) >> 8 || 32);
    const prefix = head === 0 ? '' : this.k.space.cstring(head);
    for (let at = 0; at < length; at += columns) {
      const bytes = [...this.k.space.readable(data + at, Math.min(columns, length - at))];
      const count = flags & this.flag('HD_OMIT_COUNT') ? '' : `${at.toString(16).padStart(4, '0')}  `;
      const hex = bytes.map((byte) => `${delimiter}${byte.toString(16).padStart(2, '0')}`).join('');
      const chars = bytes.map((byte) => (byte >= 32 && byte <= 126 ? String.fromCharCode(byte) : '.')).join('');
      const left = flags & this.flag('HD_OMIT_HEX') ? '' : hex.padEnd(3 * columns);
      const right = flags & this.flag('HD_OMIT_CHARS') ? '' : `  |${chars.padEnd(columns)}|`;
      yield* this.put(sbuf, bytesOf(`${prefix}${count}${left}${right}\n`));
    }
  }
}

const isSpace = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13);

/** Strings of the kernel are bytes. */
function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** What a buffer of at least so many bytes is given: a power of two, from a page on whole pages. */
function extended(bytes: number): number {
  if (bytes >= PAGE) return Math.ceil(bytes / PAGE) * PAGE;
  let size = LEAST;
  while (size < bytes) size *= 2;
  return size;
}
