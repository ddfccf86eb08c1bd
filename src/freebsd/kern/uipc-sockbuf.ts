import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Mbufs } from './kern-mbuf.js';
import { MbufChains } from './uipc-mbuf.js';

/** sb_max, kern.ipc.maxsockbuf: bytes that a buffer may be asked to hold. */
const SB_MAX = 2 * 1024 * 1024;
/** sb_efficiency: how much memory of mbufs a byte of data may take. */
const EFFICIENCY = 8;

/** Buffers of sockets: records, which are chains of mbufs, linked by m_nextpkt (sys/kern/uipc_sockbuf.c). */
export class Sockbufs implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    sbappend: (sb: Ptr, m: Ptr) => this.append(sb, m, false),
    sbappend_locked: (sb: Ptr, m: Ptr) => this.append(sb, m, false),
    sbappendrecord: (sb: Ptr, m: Ptr) => this.append(sb, m, true),
    sbappendrecord_locked: (sb: Ptr, m: Ptr) => this.append(sb, m, true),
    sbappendstream: (sb: Ptr, m: Ptr) => this.append(sb, m, false),
    sbappendstream_locked: (sb: Ptr, m: Ptr) => this.append(sb, m, false),
    sbappendaddr: (sb: Ptr, address: Ptr, m: Ptr, control: Ptr) =>
      this.appendAddress(sb, address, m, control),
    sbappendaddr_locked: (sb: Ptr, address: Ptr, m: Ptr, control: Ptr) =>
      this.appendAddress(sb, address, m, control),
    sbdrop: (sb: Ptr, length: number) => this.drop(sb, length),
    sbdrop_locked: (sb: Ptr, length: number) => this.drop(sb, length),
    sbdroprecord: (sb: Ptr) => this.dropRecord(sb),
    sbflush: (sb: Ptr) => this.flush(sb),
    sbreserve_locked: (so: Ptr, which: number, bytes: number) => this.reserve(this.of(so, which), bytes),
  };

  readonly signatures = { sbreserve_locked: 'b:piLp' };

  readonly data = {
    sb_max: (at: Ptr) => this.k.space.storeLong(at, SB_MAX),
    sb_max_adj: (at: Ptr) => this.k.space.storeLong(at, (SB_MAX * 2048) / (256 + 2048)),
  };

  private get type() {
    return this.k.struct('sockbuf');
  }

  /** sobuf(): SO_RCV or SO_SND. */
  of(so: Ptr, which: number): Ptr {
    const member = which === this.k.enumValue('SO_RCV') ? 'so_rcv' : 'so_snd';
    return this.k.struct('socket').addr(so, member);
  }

  reserve(sb: Ptr, bytes: number): boolean {
    if (bytes > SB_MAX) return false;
    this.type.set(sb, 'sb_hiwat', bytes);
    this.type.set(sb, 'sb_mbmax', Math.min(bytes * EFFICIENCY, SB_MAX));
    if (this.type.get(sb, 'sb_lowat') > bytes) this.type.set(sb, 'sb_lowat', bytes);
    return true;
  }

  /** sbspace(). */
  space(sb: Ptr): number {
    const { type } = this;
    const bytes = type.get(sb, 'sb_hiwat') - type.get(sb, 'sb_ccc');
    return Math.min(bytes, type.get(sb, 'sb_mbmax') - type.get(sb, 'sb_mbcnt'));
  }

  /** sballoc() and sbfree(): `sign` 1 for what comes, -1 for what goes. */
  private account(sb: Ptr, m: Ptr, sign: 1 | -1): void {
    const { k, type } = this;
    const mbuf = k.struct('mbuf');
    const add = (member: string, count: number): void =>
      type.set(sb, member, type.get(sb, member) + sign * count);
    const length = mbuf.get(m, 'm_len');
    add('sb_ccc', length);
    add('sb_acc', length);
    const isData = mbuf.get(m, 'm_type') === k.macro('MT_DATA');
    if (!isData) add('sb_ctl', length);
    const external = mbuf.get(m, 'm_flags') & k.macro('M_EXT') ? mbuf.get(m, 'm_ext.ext_size') : 0;
    add('sb_mbcnt', k.macro('MSIZE') + external);
  }

  /** As data behind the last record, or as one of its own. */
  private append(sb: Ptr, m: Ptr, asRecord: boolean): void {
    if (m === 0) return;
    const { k, type } = this;
    const mbuf = k.struct('mbuf');
    for (const one of k.get(MbufChains).chain(m)) this.account(sb, one, 1);
    const last = type.get(sb, 'sb_lastrecord');
    if (last !== 0 && !asRecord) mbuf.set(k.get(Mbufs).lastOf(last), 'm_next', m);
    else if (last !== 0) mbuf.set(last, 'm_nextpkt', m);
    if (last === 0) type.set(sb, 'sb_mb', m);
    if (last === 0 || asRecord) type.set(sb, 'sb_lastrecord', m);
    type.set(sb, 'sb_mbtail', k.get(Mbufs).lastOf(m));
  }

  /** A record that begins with the address that it came from: 0 where there is no room. */
  private *appendAddress(sb: Ptr, address: Ptr, m: Ptr, control: Ptr): Sleepable<number> {
    const { k } = this;
    const mbuf = k.struct('mbuf');
    const chains = k.get(MbufChains);
    const bytes = k.struct('sockaddr').get(address, 'sa_len');
    const needed = bytes + chains.length(m) + chains.length(control);
    if (needed > this.space(sb)) return 0;
    const name = yield* k.get(Mbufs).get(k.macro('M_NOWAIT'), k.macro('MT_SONAME'), 0);
    if (name === 0) return 0;
    k.space.writable(mbuf.get(name, 'm_data'), bytes).set(k.space.readable(address, bytes));
    mbuf.set(name, 'm_len', bytes);
    if (control === 0) mbuf.set(name, 'm_next', m);
    else {
      mbuf.set(name, 'm_next', control);
      mbuf.set(k.get(Mbufs).lastOf(control), 'm_next', m);
    }
    this.append(sb, name, true);
    return 1;
  }

  /** Takes the first record out: 0 where there is none. */
  take(sb: Ptr): Ptr {
    const { k, type } = this;
    const mbuf = k.struct('mbuf');
    const first = type.get(sb, 'sb_mb');
    if (first === 0) return 0;
    for (const one of k.get(MbufChains).chain(first)) this.account(sb, one, -1);
    const next = mbuf.get(first, 'm_nextpkt');
    mbuf.set(first, 'm_nextpkt', 0);
    type.set(sb, 'sb_mb', next);
    if (next === 0) for (const member of ['sb_lastrecord', 'sb_mbtail']) type.set(sb, member, 0);
    return first;
  }

  private *dropRecord(sb: Ptr): Sleepable<void> {
    const m = this.take(sb);
    if (m !== 0) yield* this.k.get(Mbufs).freem(m);
  }

  *flush(sb: Ptr): Sleepable<void> {
    while (this.type.get(sb, 'sb_mb') !== 0) yield* this.dropRecord(sb);
  }

  /** Cuts bytes off the front, over records. */
  private *drop(sb: Ptr, length: number): Sleepable<void> {
    const { k, type } = this;
    const mbuf = k.struct('mbuf');
    let left = length;
    while (left > 0) {
      const first = type.get(sb, 'sb_mb');
      if (first === 0) k.panic('sbdrop');
      const whole = k.get(MbufChains).length(first);
      if (whole <= left) {
        yield* this.dropRecord(sb);
        left -= whole;
        continue;
      }
      const bytes = mbuf.get(first, 'm_len');
      if (bytes <= left) {
        yield* this.dropFirst(sb, first);
        left -= bytes;
        continue;
      }
      this.account(sb, first, -1);
      mbuf.set(first, 'm_len', bytes - left);
      mbuf.set(first, 'm_data', mbuf.get(first, 'm_data') + left);
      this.account(sb, first, 1);
      left = 0;
    }
  }

  /** The first mbuf of the first record, which has more. */
  private *dropFirst(sb: Ptr, first: Ptr): Sleepable<void> {
    const { k, type } = this;
    const mbuf = k.struct('mbuf');
    const next = mbuf.get(first, 'm_next');
    mbuf.set(next, 'm_nextpkt', mbuf.get(first, 'm_nextpkt'));
    if (type.get(sb, 'sb_lastrecord') === first) type.set(sb, 'sb_lastrecord', next);
    type.set(sb, 'sb_mb', next);
    this.account(sb, first, -1);
    yield* k.get(Mbufs).free(first);
  }
}
