import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINTR, EWOULDBLOCK } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Mbufs } from './kern-mbuf.js';
import { Locks } from './locks.js';
import { Mutexes } from './mutex.js';
import { sbtDeadline } from './sbintime.js';
import { SleepQueues } from './sleepqueue.js';
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
    sbcut_locked: (sb: Ptr, length: number) => this.cut(sb, length),
    sbappendcontrol_locked: (sb: Ptr, m: Ptr, control: Ptr) => this.appendControl(sb, m, control),
    sbcreatecontrol: (data: Ptr, bytes: number, type: number, level: number, wait: number) =>
      this.createControl(data, bytes, type, level, wait),
    sbflush: (sb: Ptr) => this.flush(sb),
    sbwait: (so: Ptr, which: number) => this.waitLocked(so, which),
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

  /** SOCK_BUF_LOCK()'s. */
  mutexOf(so: Ptr, which: number): Ptr {
    return this.k
      .struct('socket')
      .addr(so, which === this.k.enumValue('SO_RCV') ? 'so_rcv_mtx' : 'so_snd_mtx');
  }

  reserve(sb: Ptr, bytes: number): boolean {
    if (bytes > SB_MAX) return false;
    this.type.set(sb, 'sb_hiwat', bytes);
    this.type.set(sb, 'sb_mbmax', Math.min(bytes * EFFICIENCY, SB_MAX));
    if (this.type.get(sb, 'sb_lowat') > bytes) this.type.set(sb, 'sb_lowat', bytes);
    return true;
  }

  /** sbspace(): none while the peer's buffer is full (SB_STOP). */
  space(sb: Ptr): number {
    const { type } = this;
    if (type.get(sb, 'sb_flags') & this.k.macro('SB_STOP')) return 0;
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
  append(sb: Ptr, m: Ptr, asRecord: boolean): void {
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
  *appendAddress(sb: Ptr, address: Ptr, m: Ptr, control: Ptr, unlimited = false): Sleepable<number> {
    const { k } = this;
    const mbuf = k.struct('mbuf');
    const chains = k.get(MbufChains);
    const bytes = k.struct('sockaddr').get(address, 'sa_len');
    const needed = bytes + chains.length(m) + chains.length(control);
    if (!unlimited && needed > this.space(sb)) return 0;
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

  /** Control messages, and data behind them, as a record of their own. */
  private appendControl(sb: Ptr, m: Ptr, control: Ptr): void {
    const mbuf = this.k.struct('mbuf');
    mbuf.set(this.k.get(Mbufs).lastOf(control), 'm_next', m);
    this.append(sb, control, true);
  }

  /** A struct cmsghdr with a copy of the data (zeros without): 0 where there is no memory. */
  private *createControl(
    data: Ptr,
    bytes: number,
    type: number,
    level: number,
    wait: number,
  ): Sleepable<Ptr> {
    const { k } = this;
    const header = k.struct('cmsghdr');
    const mbuf = k.struct('mbuf');
    const start = align(header.size);
    const whole = start + align(bytes);
    if (whole > k.macro('MCLBYTES')) return 0;
    const mbufs = k.get(Mbufs);
    const control = k.macro('MT_CONTROL');
    const m =
      whole > mbufs.inlineRoom(0) ? yield* mbufs.getcl(wait, control, 0) : yield* mbufs.get(wait, control, 0);
    if (m === 0) return 0;
    const at = mbuf.get(m, 'm_data');
    k.space.writable(at, whole).fill(0);
    if (data !== 0) k.space.writable(at + start, bytes).set(k.space.readable(data, bytes));
    header.set(at, 'cmsg_len', start + bytes);
    header.set(at, 'cmsg_level', level);
    header.set(at, 'cmsg_type', type);
    mbuf.set(m, 'm_len', whole);
    return m;
  }

  /**
   * Waits for a change of the buffer, as long as its timeout says: 0, EWOULDBLOCK, or what a signal makes of it. Nobody runs between a look
   * at the buffer and this, so no lock is needed for that.
   */
  *wait(sb: Ptr): Sleepable<number> {
    const { k, type } = this;
    const flag = k.macro('SB_WAIT');
    type.set(sb, 'sb_flags', type.get(sb, 'sb_flags') | flag);
    k.get(Locks).mightSleep('Sleeping on "sbwait"');
    const waking = yield* k.get(SleepQueues).sleep(type.addr(sb, 'sb_acc'), {
      message: 'sbwait',
      until: sbtDeadline(k, type.getBig(sb, 'sb_timeo'), 0),
      interruptible: true,
    });
    if (waking === 'wakeup') return 0;
    return waking === 'timeout' ? EWOULDBLOCK : EINTR;
  }

  /** sbwait(), with the lock of the buffer, which is given up meanwhile. */
  private *waitLocked(so: Ptr, which: number): Sleepable<number> {
    const { k } = this;
    const mutex = this.mutexOf(so, which);
    k.get(Mutexes).unlock(mutex);
    const error = yield* this.wait(this.of(so, which));
    yield* k.get(Mutexes).lock(mutex);
    return error;
  }

  /** Takes bytes off the front, over records: the chain of mbufs that are empty by that. */
  private cut(sb: Ptr, length: number): Ptr {
    const { k } = this;
    const whole = this.type.get(sb, 'sb_acc');
    if (length > whole) k.panic('sbcut_internal');
    const mbuf = k.struct('mbuf');
    let [head, tail, left] = [0, 0, length];
    while (left > 0) {
      const first = this.type.get(sb, 'sb_mb');
      const bytes = mbuf.get(first, 'm_len');
      if (bytes > left) {
        this.shorten(sb, first, left);
        break;
      }
      this.unlink(sb, first);
      if (tail === 0) head = first;
      else mbuf.set(tail, 'm_next', first);
      tail = first;
      left -= bytes;
    }
    return head;
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

  *dropRecord(sb: Ptr): Sleepable<void> {
    const m = this.take(sb);
    if (m !== 0) yield* this.k.get(Mbufs).freem(m);
  }

  *flush(sb: Ptr): Sleepable<void> {
    while (this.type.get(sb, 'sb_mb') !== 0) yield* this.dropRecord(sb);
  }

  /** Cuts bytes off the front, over records. */
  *drop(sb: Ptr, length: number): Sleepable<void> {
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
      this.shorten(sb, first, left);
      left = 0;
    }
  }

  shorten(sb: Ptr, first: Ptr, count: number): void {
    const mbuf = this.k.struct('mbuf');
    this.account(sb, first, -1);
    mbuf.set(first, 'm_len', mbuf.get(first, 'm_len') - count);
    mbuf.set(first, 'm_data', mbuf.get(first, 'm_data') + count);
    this.account(sb, first, 1);
  }

  /** Takes the first mbuf of the first record out of the buffer; the next of the record, or the next record, is the first then. */
  unlink(sb: Ptr, first: Ptr): void {
    const { k, type } = this;
    const mbuf = k.struct('mbuf');
    const next = mbuf.get(first, 'm_next');
    const nextRecord = mbuf.get(first, 'm_nextpkt');
    this.account(sb, first, -1);
    mbuf.set(first, 'm_next', 0);
    mbuf.set(first, 'm_nextpkt', 0);
    type.set(sb, 'sb_mb', next || nextRecord);
    if (next !== 0) mbuf.set(next, 'm_nextpkt', nextRecord);
    if (type.get(sb, 'sb_lastrecord') === first) type.set(sb, 'sb_lastrecord', next);
    if (next === 0 && nextRecord === 0) type.set(sb, 'sb_mbtail', 0);
  }

  *dropFirst(sb: Ptr, first: Ptr): Sleepable<void> {
    this.unlink(sb, first);
    yield* this.k.get(Mbufs).free(first);
  }
}

/** _ALIGN() of control messages. */
const align = (bytes: number): number => Math.ceil(bytes / 8) * 8;
