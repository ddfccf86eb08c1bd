import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EDEADLK, ENOMEM } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Panic } from './panic.js';
import { SubrPrf } from './subr_prf.js';

const SMALLEST = 16;
const PAGE = 4096;
/** Flags of the sbuf's own (sys/sys/sbuf.h), above those that callers may give. */
const DYNAMIC = 0x1_0000;
const FINISHED = 0x2_0000;
const DYNAMIC_STRUCT = 0x8_0000;
const IN_SECTION = 0x10_0000;
const NEWLINE = 10;

/** Strings that are put together piece by piece, sbuf(9) (sys/kern/subr_sbuf.c): struct sbuf and its text are in guest memory. */
export class Sbufs implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    sbuf_new: (sbuf: Ptr, buffer: Ptr, length: number, flags: number) =>
      this.make(sbuf, buffer, length, flags),
    sbuf_new_for_sysctl: (sbuf: Ptr, buffer: Ptr, length: number, request: Ptr) =>
      this.makeForSysctl(sbuf, buffer, length, request),
    sbuf_clear: (sbuf: Ptr) => this.clear(sbuf),
    sbuf_setpos: (sbuf: Ptr, position: number) => this.setPosition(sbuf, position),
    sbuf_set_flags: (sbuf: Ptr, flags: number) => this.setFlags(sbuf, this.flags(sbuf) | flags),
    sbuf_clear_flags: (sbuf: Ptr, flags: number) => this.setFlags(sbuf, this.flags(sbuf) & ~flags),
    sbuf_get_flags: (sbuf: Ptr) => this.flags(sbuf) & 0xffff,
    sbuf_bcat: (sbuf: Ptr, from: Ptr, length: number) =>
      this.put(sbuf, this.k.space.readable(from, length).slice()),
    sbuf_bcpy: (sbuf: Ptr, from: Ptr, length: number) => {
      this.clear(sbuf);
      return this.put(sbuf, this.k.space.readable(from, length).slice());
    },
    sbuf_cat: (sbuf: Ptr, text: Ptr) => this.putText(sbuf, this.k.space.cstring(text)),
    sbuf_cpy: (sbuf: Ptr, text: Ptr) => {
      this.clear(sbuf);
      return this.putText(sbuf, this.k.space.cstring(text));
    },
    sbuf_printf: (sbuf: Ptr, format: Ptr, args: VarArgs) =>
      this.putText(sbuf, this.k.get(SubrPrf).text(format, args)),
    sbuf_vprintf: (sbuf: Ptr, format: Ptr, list: Ptr) =>
      this.putText(sbuf, this.k.get(SubrPrf).vtext(format, list)),
    sbuf_putc: (sbuf: Ptr, char: number) => this.put(sbuf, Uint8Array.of(char)),
    sbuf_nl_terminate: (sbuf: Ptr) => this.terminate(sbuf),
    sbuf_set_drain: (sbuf: Ptr, drain: Ptr, arg: Ptr) => {
      this.type.set(sbuf, 's_drain_func', drain);
      this.type.set(sbuf, 's_drain_arg', arg);
    },
    sbuf_drain: (sbuf: Ptr) => this.drain(sbuf),
    sbuf_trim: (sbuf: Ptr) => this.trim(sbuf),
    sbuf_error: (sbuf: Ptr) => this.type.get(sbuf, 's_error'),
    sbuf_finish: (sbuf: Ptr) => this.finish(sbuf),
    sbuf_data: (sbuf: Ptr) => this.type.get(sbuf, 's_buf'),
    sbuf_len: (sbuf: Ptr) => this.length(sbuf),
    sbuf_done: (sbuf: Ptr) => Number((this.flags(sbuf) & FINISHED) !== 0),
    sbuf_delete: (sbuf: Ptr) => this.delete(sbuf),
    sbuf_start_section: (sbuf: Ptr, old: Ptr) => this.startSection(sbuf, old),
    sbuf_end_section: (sbuf: Ptr, old: number, pad: number, char: number) =>
      this.endSection(sbuf, old, pad, char),
    sbuf_count_drain: (arg: Ptr, _data: Ptr, length: number) => {
      this.k.space.storeLong(arg, this.k.space.loadU64(arg) + length);
      return length;
    },
    sbuf_printf_drain: (arg: Ptr, data: Ptr, length: number) => {
      if (arg !== 0) this.k.space.storeLong(arg, this.k.space.loadU64(arg) + length);
      this.k.get(SubrPrf).print(latin1(this.k.space.readable(data, length)));
      return length;
    },
    sbuf_putbuf: (sbuf: Ptr) => {
      this.k.get(SubrPrf).print(this.text(sbuf));
    },
  };

  private get type() {
    return this.k.struct('sbuf');
  }

  private flags(sbuf: Ptr): number {
    return this.type.get(sbuf, 's_flags');
  }

  private setFlags(sbuf: Ptr, flags: number): void {
    this.type.set(sbuf, 's_flags', flags);
  }

  /** What is in it. */
  text(sbuf: Ptr): string {
    return latin1(this.k.space.readable(this.type.get(sbuf, 's_buf'), this.type.get(sbuf, 's_len')));
  }

  private make(given: Ptr, buffer: Ptr, length: number, flags: number): Ptr {
    const { k, type } = this;
    const sbuf = given || k.slab.allocateBytes(type.size, true);
    if (sbuf === 0) return 0;
    k.space.writable(sbuf, type.size).fill(0);
    this.setFlags(sbuf, (flags & 0xffff) | (given === 0 ? DYNAMIC_STRUCT : 0));
    type.set(sbuf, 's_size', length);
    type.set(sbuf, 's_buf', buffer);
    if (buffer !== 0) return sbuf;
    const size = this.canExtend(sbuf) ? extended(length) : length;
    const room = k.slab.allocateBytes(size, true, true);
    if (room === 0) {
      if (given === 0) k.slab.free(sbuf);
      return 0;
    }
    type.set(sbuf, 's_size', size);
    type.set(sbuf, 's_buf', room);
    this.setFlags(sbuf, this.flags(sbuf) | DYNAMIC);
    return sbuf;
  }

  /** What comes into it goes to who asked the sysctl. */
  private makeForSysctl(given: Ptr, buffer: Ptr, length: number, request: Ptr): Ptr {
    const { k } = this;
    const sbuf = this.make(given, buffer, length || SYSCTL_BYTES, 0);
    if (sbuf === 0) return 0;
    function* drain(req: Ptr, data: Ptr, bytes: number): Sleepable<number> {
      const error = yield* k.struct('sysctl_req').call(req, 'oldfunc', req, data, bytes);
      return error === 0 ? bytes : -error;
    }
    this.type.set(sbuf, 's_drain_func', k.exports.hostFunction('sbuf_sysctl_drain', 'i:ppi', drain));
    this.type.set(sbuf, 's_drain_arg', request);
    return sbuf;
  }

  private canExtend(sbuf: Ptr): boolean {
    return (this.flags(sbuf) & this.k.macro('SBUF_AUTOEXTEND')) !== 0;
  }

  private clear(sbuf: Ptr): void {
    this.setFlags(sbuf, this.flags(sbuf) & ~FINISHED);
    for (const member of ['s_error', 's_len', 's_rec_off', 's_sect_len']) this.type.set(sbuf, member, 0);
  }

  private setPosition(sbuf: Ptr, position: number): number {
    if (position < 0 || position > this.type.get(sbuf, 's_len')) return -1;
    this.type.set(sbuf, 's_len', position);
    return 0;
  }

  private putText(sbuf: Ptr, text: string): Sleepable<number> {
    return this.put(
      sbuf,
      Uint8Array.from(text, (char) => char.charCodeAt(0)),
    );
  }

  private demandOpen(sbuf: Ptr): void {
    if (this.flags(sbuf) & FINISHED)
      throw new Panic('sbuf: an attempt to write to a finished sbuf', 'lock-misuse', sbuf);
  }

  /** 0, or -1 once there was an error. */
  *put(sbuf: Ptr, bytes: Uint8Array): Sleepable<number> {
    this.demandOpen(sbuf);
    const { k, type } = this;
    let done = 0;
    while (done < bytes.length && type.get(sbuf, 's_error') === 0) {
      const length = type.get(sbuf, 's_len');
      // The last byte is the NUL's.
      const room = type.get(sbuf, 's_size') - 1 - length;
      if (room <= 0) {
        yield* this.makeRoom(sbuf, bytes.length - done);
        continue;
      }
      const part = bytes.subarray(done, done + room);
      k.space.writable(type.get(sbuf, 's_buf') + length, part.length).set(part);
      type.set(sbuf, 's_len', length + part.length);
      if (this.flags(sbuf) & IN_SECTION)
        type.set(sbuf, 's_sect_len', type.get(sbuf, 's_sect_len') + part.length);
      done += part.length;
    }
    return type.get(sbuf, 's_error') === 0 ? 0 : -1;
  }

  private *makeRoom(sbuf: Ptr, wanted: number): Sleepable<void> {
    if (this.type.get(sbuf, 's_drain_func') !== 0) {
      yield* this.drain(sbuf);
      return;
    }
    if (!this.canExtend(sbuf) || !this.extend(sbuf, wanted)) this.type.set(sbuf, 's_error', ENOMEM);
  }

  private extend(sbuf: Ptr, wanted: number): boolean {
    const { k, type } = this;
    const size = extended(type.get(sbuf, 's_size') + wanted);
    const room = k.slab.allocateBytes(size, true, true);
    if (room === 0) return false;
    const old = type.get(sbuf, 's_buf');
    const length = type.get(sbuf, 's_len');
    k.space.writable(room, length).set(k.space.readable(old, length));
    if (this.flags(sbuf) & DYNAMIC) k.slab.free(old);
    this.setFlags(sbuf, this.flags(sbuf) | DYNAMIC);
    type.set(sbuf, 's_buf', room);
    type.set(sbuf, 's_size', size);
    return true;
  }

  /** Gives what there is to the drain: an error number. */
  private *drain(sbuf: Ptr): Sleepable<number> {
    const { k, type } = this;
    const length = type.get(sbuf, 's_len');
    const buffer = type.get(sbuf, 's_buf');
    const [fn, arg] = [type.get(sbuf, 's_drain_func'), type.get(sbuf, 's_drain_arg')];
    const taken = yield* k.callAs('i:ppi', fn, arg, buffer, length);
    if (taken <= 0) {
      type.set(sbuf, 's_error', taken === 0 ? EDEADLK : -taken);
      return type.get(sbuf, 's_error');
    }
    const rest = k.space.readable(buffer + taken, length - taken).slice();
    k.space.writable(buffer, rest.length).set(rest);
    type.set(sbuf, 's_len', rest.length);
    return 0;
  }

  private *terminate(sbuf: Ptr): Sleepable<number> {
    const { type } = this;
    const length = type.get(sbuf, 's_len');
    if (length === 0 || this.k.space.load8(type.get(sbuf, 's_buf') + length - 1) === NEWLINE) return 0;
    return yield* this.put(sbuf, Uint8Array.of(NEWLINE));
  }

  /** Spaces at the end go. */
  private trim(sbuf: Ptr): number {
    const { type } = this;
    if (type.get(sbuf, 's_error') !== 0) return -1;
    const text = this.text(sbuf);
    type.set(sbuf, 's_len', text.replace(/[ \t\n\v\f\r]+$/, '').length);
    return 0;
  }

  private *finish(sbuf: Ptr): Sleepable<number> {
    this.demandOpen(sbuf);
    const { k, type } = this;
    k.space.store8(type.get(sbuf, 's_buf') + type.get(sbuf, 's_len'), 0);
    if (this.flags(sbuf) & k.macro('SBUF_INCLUDENUL')) type.set(sbuf, 's_len', type.get(sbuf, 's_len') + 1);
    if (type.get(sbuf, 's_drain_func') !== 0)
      while (type.get(sbuf, 's_len') > 0 && type.get(sbuf, 's_error') === 0) yield* this.drain(sbuf);
    this.setFlags(sbuf, this.flags(sbuf) | FINISHED);
    return type.get(sbuf, 's_error');
  }

  /** Without the NUL; -1 after an error. */
  private length(sbuf: Ptr): number {
    const { k, type } = this;
    if (type.get(sbuf, 's_error') !== 0) return -1;
    const withNul =
      (this.flags(sbuf) & k.macro('SBUF_INCLUDENUL')) !== 0 && (this.flags(sbuf) & FINISHED) !== 0;
    return Math.max(0, type.get(sbuf, 's_len') - Number(withNul));
  }

  private delete(sbuf: Ptr): void {
    const { k, type } = this;
    const flags = this.flags(sbuf);
    if (flags & DYNAMIC) k.slab.free(type.get(sbuf, 's_buf'));
    k.space.writable(sbuf, type.size).fill(0);
    if (flags & DYNAMIC_STRUCT) k.slab.free(sbuf);
  }

  private startSection(sbuf: Ptr, old: Ptr): void {
    const { k, type } = this;
    if (old !== 0) k.space.storeLong(old, type.get(sbuf, 's_sect_len'));
    type.set(sbuf, 's_rec_off', type.get(sbuf, 's_len'));
    type.set(sbuf, 's_sect_len', 0);
    this.setFlags(sbuf, this.flags(sbuf) | IN_SECTION);
  }

  /** Padded to a multiple of `pad`; the section's length. */
  private *endSection(sbuf: Ptr, old: number, pad: number, char: number): Sleepable<number> {
    const { type } = this;
    if (pad > 1) {
      const missing = (pad - (type.get(sbuf, 's_sect_len') % pad)) % pad;
      yield* this.put(sbuf, new Uint8Array(missing).fill(char));
    }
    const length = type.get(sbuf, 's_sect_len');
    if (old === -1) {
      type.set(sbuf, 's_rec_off', 0);
      type.set(sbuf, 's_sect_len', 0);
      this.setFlags(sbuf, this.flags(sbuf) & ~IN_SECTION);
    } else type.set(sbuf, 's_sect_len', length + old);
    return type.get(sbuf, 's_error') === 0 ? length : -1;
  }
}

/** What a sysctl's sbuf has where nobody says: it is drained when it is full. */
const SYSCTL_BYTES = 64;

/** sbuf_extendsize(): a power of two up to a page, whole pages above. */
function extended(size: number): number {
  if (size >= PAGE) return Math.ceil(size / PAGE) * PAGE;
  let bytes = SMALLEST;
  while (bytes < size) bytes *= 2;
  return bytes;
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}
