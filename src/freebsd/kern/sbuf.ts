import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EFAULT, EINVAL, ENOMEM } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { kvprintf } from './format.js';
import { Malloc } from './malloc.js';
import { SubrPrf } from './subr_prf.js';
import { Uio } from './uio.js';
import { UserMemory } from './user-memory.js';

/** Sizes of buffers that grow (SBUF_MINSIZE, SBUF_MAXEXTENDSIZE of sys/kern/subr_sbuf.c). */
const MIN_SIZE = 2;
const MIN_EXTEND = 16;
const MAX_EXTEND = 4096;

/** sbuf(9) (sys/kern/subr_sbuf.c): strings that are put together, in guest memory. */
export class Sbufs implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    sbuf_new: (sbuf: Ptr, buffer: Ptr, size: number, flags: number) => this.create(sbuf, buffer, size, flags),
    sbuf_new_for_sysctl: (sbuf: Ptr, buffer: Ptr, size: number, req: Ptr) =>
      this.forSysctl(sbuf, buffer, size, req),
    sbuf_uionew: (sbuf: Ptr, uio: Ptr, error: Ptr) => this.fromUio(sbuf, uio, error),
    sbuf_get_flags: (sbuf: Ptr) => this.get(sbuf, 's_flags') & this.k.macro('SBUF_USRFLAGMSK'),
    sbuf_set_flags: (sbuf: Ptr, flags: number) =>
      this.set(sbuf, 's_flags', this.get(sbuf, 's_flags') | flags),
    sbuf_clear_flags: (sbuf: Ptr, flags: number) =>
      this.set(sbuf, 's_flags', this.get(sbuf, 's_flags') & ~flags),
    sbuf_clear: (sbuf: Ptr) => this.clear(sbuf),
    sbuf_setpos: (sbuf: Ptr, position: number) => {
      if (position < 0 || position > this.get(sbuf, 's_len')) return -1;
      this.set(sbuf, 's_len', position);
      return 0;
    },
    sbuf_bcat: (sbuf: Ptr, from: Ptr, bytes: number) => this.put(sbuf, this.bytesAt(from, bytes)),
    sbuf_bcpy: (sbuf: Ptr, from: Ptr, bytes: number) => {
      this.clear(sbuf);
      return this.put(sbuf, this.bytesAt(from, bytes));
    },
    sbuf_cat: (sbuf: Ptr, text: Ptr) => this.put(sbuf, bytesOf(this.k.space.cstring(text))),
    sbuf_cpy: (sbuf: Ptr, text: Ptr) => {
      this.clear(sbuf);
      return this.put(sbuf, bytesOf(this.k.space.cstring(text)));
    },
    sbuf_printf: (sbuf: Ptr, format: Ptr, args: VarArgs) =>
      this.put(sbuf, bytesOf(kvprintf(this.k.space, this.k.space.cstring(format), args))),
    sbuf_vprintf: (sbuf: Ptr, format: Ptr, list: Ptr) =>
      this.put(sbuf, bytesOf(this.k.get(SubrPrf).vtext(format, list))),
    sbuf_putc: (sbuf: Ptr, byte: number) => this.put(sbuf, Uint8Array.of(byte)),
    sbuf_nl_terminate: (sbuf: Ptr) => this.nlTerminate(sbuf),
    sbuf_set_drain: (sbuf: Ptr, drain: Ptr, arg: Ptr) => {
      this.set(sbuf, 's_drain_func', drain);
      this.set(sbuf, 's_drain_arg', arg);
    },
    sbuf_drain: (sbuf: Ptr) => this.drain(sbuf),
    sbuf_trim: (sbuf: Ptr) => this.trim(sbuf),
    sbuf_error: (sbuf: Ptr) => this.get(sbuf, 's_error'),
    sbuf_finish: (sbuf: Ptr) => this.finish(sbuf),
    sbuf_data: (sbuf: Ptr) => this.get(sbuf, 's_buf'),
    sbuf_len: (sbuf: Ptr) => this.length(sbuf),
    sbuf_done: (sbuf: Ptr) => Number(this.has(sbuf, 'SBUF_FINISHED')),
    sbuf_delete: (sbuf: Ptr) => this.delete(sbuf),
    sbuf_start_section: (sbuf: Ptr, place: Ptr) => this.startSection(sbuf, place),
    sbuf_end_section: (sbuf: Ptr, old: number, pad: number, byte: number) =>
      this.endSection(sbuf, old, pad, byte),
    sbuf_putbuf: (sbuf: Ptr) => {
      this.k.get(SubrPrf).print(this.text(sbuf));
    },
    sbuf_printf_drain: (_arg: Ptr, from: Ptr, bytes: number) => {
      this.k.get(SubrPrf).print(this.k.space.cstring(from, bytes));
      return bytes;
    },
    sbuf_count_drain: (arg: Ptr, _from: Ptr, bytes: number) => {
      this.k.space.storeLong(arg, this.k.space.loadU64(arg) + bytes);
      return bytes;
    },
    sbuf_copyin: (sbuf: Ptr, from: Ptr, most: number) => this.copyin(sbuf, from, most, true),
    sbuf_bcopyin: (sbuf: Ptr, from: Ptr, bytes: number) => this.copyin(sbuf, from, bytes, false),
  };

  private get(sbuf: Ptr, member: string): number {
    return this.k.struct('sbuf').get(sbuf, member);
  }

  private set(sbuf: Ptr, member: string, value: number): void {
    this.k.struct('sbuf').set(sbuf, member, value);
  }

  private has(sbuf: Ptr, flag: string): boolean {
    return (this.get(sbuf, 's_flags') & this.k.macro(flag)) !== 0;
  }

  private bytesAt(from: Ptr, bytes: number): Uint8Array {
    if (bytes === 0) return new Uint8Array();
    this.k.trap.given(from, bytes, 'read');
    return this.k.space.readable(from, bytes).slice();
  }

  /** What a finished one holds. */
  text(sbuf: Ptr): string {
    return this.k.space.cstring(this.get(sbuf, 's_buf'), this.get(sbuf, 's_len'));
  }

  /** Text of the kernel's own at the end of one. */
  *append(sbuf: Ptr, text: string): Sleepable<void> {
    yield* this.put(sbuf, bytesOf(text));
  }

  private allocate(bytes: number, flags: number): Ptr {
    const { k } = this;
    const how = flags & k.macro('SBUF_NOWAIT') ? k.macro('M_NOWAIT') : k.macro('M_WAITOK');
    return k.get(Malloc).malloc(bytes, k.variable('M_TEMP'), how | k.macro('M_ZERO'));
  }

  private create(given: Ptr, buffer: Ptr, size: number, flags: number): Ptr {
    const { k } = this;
    const type = k.struct('sbuf');
    const sbuf = given === 0 ? this.allocate(type.size, flags) : given;
    if (sbuf === 0) return 0;
    k.space.writable(sbuf, type.size).fill(0);
    let kept = flags & k.macro('SBUF_USRFLAGMSK');
    if (given === 0) kept |= k.macro('SBUF_DYNSTRUCT');
    const wanted = buffer === 0 && flags & k.macro('SBUF_AUTOEXTEND') ? extendSize(size) : size;
    if (buffer === 0) kept |= k.macro('SBUF_DYNAMIC');
    type.set(sbuf, 's_flags', kept);
    type.set(sbuf, 's_size', Math.max(wanted, MIN_SIZE));
    type.set(sbuf, 's_buf', buffer === 0 ? this.allocate(Math.max(wanted, MIN_SIZE), flags) : buffer);
    type.set(sbuf, 's_rec_off', 0);
    if (type.get(sbuf, 's_buf') === 0) {
      if (given === 0) k.get(Malloc).free(sbuf, k.variable('M_TEMP'));
      return 0;
    }
    return sbuf;
  }

  /** Its drain hands what is put into it to the request (SYSCTL_OUT()). */
  private forSysctl(given: Ptr, buffer: Ptr, size: number, req: Ptr): Ptr {
    const { k } = this;
    const flags = k.macro('SBUF_INCLUDENUL') | k.macro('SBUF_FIXEDLEN');
    const sbuf = this.create(given, buffer, size, flags);
    const drain = k.exports.hostFunction('sbuf_sysctl_drain', 'i:ppi', (arg: Ptr, from: Ptr, bytes: number) =>
      this.sysctlDrain(arg, from, bytes),
    );
    this.set(sbuf, 's_drain_func', drain);
    this.set(sbuf, 's_drain_arg', req);
    return sbuf;
  }

  /** sbuf_uionew(): with what is written by the uio. 0, and an error number, where that fails. */
  private *fromUio(given: Ptr, uio: Ptr, error: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const length = k.struct('uio').get(uio, 'uio_resid');
    const sbuf = this.create(given, 0, length + 1, 0);
    const failed = sbuf === 0 ? ENOMEM : yield* k.get(Uio).move(this.get(sbuf, 's_buf'), length, uio);
    k.space.store32(error, failed);
    if (failed === 0) this.set(sbuf, 's_len', length);
    else if (sbuf !== 0) this.exports.sbuf_delete(sbuf);
    return failed === 0 ? sbuf : 0;
  }

  private *sysctlDrain(req: Ptr, from: Ptr, bytes: number): Sleepable<number> {
    const error = yield* this.k.struct('sysctl_req').call(req, 'oldfunc', req, from, bytes);
    return error === 0 ? bytes : -error;
  }

  private clear(sbuf: Ptr): void {
    const { k } = this;
    this.set(sbuf, 's_flags', this.get(sbuf, 's_flags') & ~k.macro('SBUF_FINISHED'));
    for (const member of ['s_error', 's_len', 's_rec_off', 's_sect_len']) this.set(sbuf, member, 0);
  }

  /** sbuf_put_bytes(): 0, or -1 once something has gone wrong. */
  *put(sbuf: Ptr, bytes: Uint8Array): Sleepable<number> {
    const { space } = this.k;
    for (let at = 0; at < bytes.length; ) {
      if (this.get(sbuf, 's_error') !== 0) return -1;
      let room = this.room(sbuf);
      if (room === 0 && !(yield* this.makeRoom(sbuf, bytes.length - at))) return -1;
      room = this.room(sbuf);
      const count = Math.min(room, bytes.length - at);
      const length = this.get(sbuf, 's_len');
      space.writable(this.get(sbuf, 's_buf') + length, count).set(bytes.subarray(at, at + count));
      this.set(sbuf, 's_len', length + count);
      if (this.has(sbuf, 'SBUF_INSECTION'))
        this.set(sbuf, 's_sect_len', this.get(sbuf, 's_sect_len') + count);
      at += count;
    }
    return this.get(sbuf, 's_error') === 0 ? 0 : -1;
  }

  /** SBUF_FREESPACE(): a byte is kept for the NUL. */
  private room(sbuf: Ptr): number {
    return Math.max(0, this.get(sbuf, 's_size') - this.get(sbuf, 's_len') - 1);
  }

  private *makeRoom(sbuf: Ptr, wanted: number): Sleepable<boolean> {
    if (this.get(sbuf, 's_drain_func') !== 0) return (yield* this.drain(sbuf)) === 0;
    if (this.has(sbuf, 'SBUF_AUTOEXTEND') && this.extend(sbuf, wanted)) return true;
    this.set(sbuf, 's_error', ENOMEM);
    return false;
  }

  private extend(sbuf: Ptr, more: number): boolean {
    const { k } = this;
    const [old, size, flags] = ['s_buf', 's_size', 's_flags'].map((member) => this.get(sbuf, member));
    const bytes = extendSize(size + more);
    const fresh = this.allocate(bytes, flags);
    if (fresh === 0) return false;
    k.space.bytes.copyWithin(fresh, old, old + size);
    if (flags & k.macro('SBUF_DYNAMIC')) k.get(Malloc).free(old, k.variable('M_TEMP'));
    this.set(sbuf, 's_flags', flags | k.macro('SBUF_DYNAMIC'));
    this.set(sbuf, 's_buf', fresh);
    this.set(sbuf, 's_size', bytes);
    return true;
  }

  private *drain(sbuf: Ptr): Sleepable<number> {
    const { space } = this.k;
    const buffer = this.get(sbuf, 's_buf');
    while (this.get(sbuf, 's_len') > 0) {
      const length = this.get(sbuf, 's_len');
      const done = yield* this.k.callAs(
        'i:ppi',
        this.get(sbuf, 's_drain_func'),
        this.get(sbuf, 's_drain_arg'),
        buffer,
        length,
      );
      if (done <= 0) {
        this.set(sbuf, 's_error', done === 0 ? this.k.macro('EDEADLK') : -done);
        return this.get(sbuf, 's_error');
      }
      space.bytes.copyWithin(buffer, buffer + done, buffer + length);
      this.set(sbuf, 's_len', length - done);
    }
    return 0;
  }

  private *nlTerminate(sbuf: Ptr): Sleepable<number> {
    const length = this.get(sbuf, 's_len');
    const ends = length > 0 && this.k.space.load8(this.get(sbuf, 's_buf') + length - 1) === 10;
    return ends || length === 0 ? 0 : yield* this.put(sbuf, Uint8Array.of(10));
  }

  private trim(sbuf: Ptr): number {
    if (this.get(sbuf, 's_error') !== 0) return -1;
    const buffer = this.get(sbuf, 's_buf');
    let length = this.get(sbuf, 's_len');
    while (length > 0 && /\s/.test(String.fromCharCode(this.k.space.load8(buffer + length - 1)))) length--;
    this.set(sbuf, 's_len', length);
    return 0;
  }

  private *finish(sbuf: Ptr): Sleepable<number> {
    const { k } = this;
    const length = this.get(sbuf, 's_len');
    k.space.store8(this.get(sbuf, 's_buf') + length, 0);
    if (this.has(sbuf, 'SBUF_INCLUDENUL')) this.set(sbuf, 's_len', length + 1);
    if (this.get(sbuf, 's_drain_func') !== 0 && this.get(sbuf, 's_error') === 0) yield* this.drain(sbuf);
    this.set(sbuf, 's_flags', this.get(sbuf, 's_flags') | k.macro('SBUF_FINISHED'));
    return this.get(sbuf, 's_error');
  }

  private length(sbuf: Ptr): number {
    if (this.get(sbuf, 's_error') !== 0) return -1;
    const length = this.get(sbuf, 's_len');
    return this.has(sbuf, 'SBUF_INCLUDENUL') && length > 0 && this.has(sbuf, 'SBUF_FINISHED')
      ? length - 1
      : length;
  }

  private delete(sbuf: Ptr): void {
    const { k } = this;
    const flags = this.get(sbuf, 's_flags');
    const buffer = this.get(sbuf, 's_buf');
    if (flags & k.macro('SBUF_DYNAMIC')) k.get(Malloc).free(buffer, k.variable('M_TEMP'));
    k.space.writable(sbuf, k.sizeOf('sbuf')).fill(0);
    if (flags & k.macro('SBUF_DYNSTRUCT')) k.get(Malloc).free(sbuf, k.variable('M_TEMP'));
  }

  private startSection(sbuf: Ptr, place: Ptr): void {
    const { k } = this;
    if (place !== 0) {
      k.space.storeLong(place, this.get(sbuf, 's_sect_len'));
      this.set(sbuf, 's_rec_off', 0);
    }
    this.set(sbuf, 's_sect_len', 0);
    this.set(sbuf, 's_flags', this.get(sbuf, 's_flags') | k.macro('SBUF_INSECTION'));
  }

  private *endSection(sbuf: Ptr, old: number, pad: number, byte: number): Sleepable<number> {
    const { k } = this;
    if (pad > 1) {
      const length = this.get(sbuf, 's_sect_len');
      const fill = Math.ceil(length / pad) * pad - length;
      yield* this.put(sbuf, new Uint8Array(Math.min(fill, MAX_EXTEND)).fill(byte));
    }
    const length = this.get(sbuf, 's_sect_len');
    if (old === -1) {
      this.set(sbuf, 's_sect_len', 0);
      this.set(sbuf, 's_flags', this.get(sbuf, 's_flags') & ~k.macro('SBUF_INSECTION'));
    } else this.set(sbuf, 's_sect_len', length + old);
    return this.get(sbuf, 's_error') === 0 ? length : -1;
  }

  private *copyin(sbuf: Ptr, from: Ptr, most: number, isText: boolean): Sleepable<number> {
    if (most < 0) return EINVAL;
    const bytes = this.k.get(UserMemory).copyFrom(from, most || MAX_EXTEND);
    const end = isText ? bytes.indexOf(0) : -1;
    if (bytes.length < most && end < 0) {
      this.set(sbuf, 's_error', EFAULT);
      return -1;
    }
    return yield* this.put(sbuf, end < 0 ? bytes : bytes.subarray(0, end));
  }
}

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** The size that a buffer grows to: a power of two, or a multiple of the largest step. */
function extendSize(size: number): number {
  if (size >= MAX_EXTEND) return Math.ceil(size / MAX_EXTEND) * MAX_EXTEND;
  let bytes = MIN_EXTEND;
  while (bytes < size) bytes *= 2;
  return bytes;
}
