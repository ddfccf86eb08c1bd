import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Mbufs } from './kern-mbuf.js';
import { Uio } from './uio.js';
import { MbufChains } from './uipc-mbuf.js';

/** Data between a struct uio and chains of mbufs (sys/kern/uipc_mbuf.c). */
export class MbufUio implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    m_uiotombuf: (uio: Ptr, how: number, length: number, align: number, flags: number) =>
      this.fromUio(uio, how, length, align, flags),
    m_mbuftouio: (uio: Ptr, m: Ptr, length: number) => this.toUio(uio, m, length),
  };

  /**
   * m_uiotombuf(): a chain with what the uio has, at most `length` bytes (all with 0), `align` bytes into its first mbuf; 0 where there is
   * no memory of either kind.
   */
  *fromUio(uio: Ptr, how: number, length: number, align: number, flags: number): Sleepable<Ptr> {
    const { k } = this;
    const mbufs = k.get(Mbufs);
    const mbuf = k.struct('mbuf');
    const resid = k.struct('uio').get(uio, 'uio_resid');
    const total = length > 0 ? Math.min(resid, length) : resid;
    const head = yield* mbufs.getm2(0, Math.max(total + align, 1), how, k.macro('MT_DATA'), flags);
    if (head === 0) return 0;
    mbuf.set(head, 'm_data', mbuf.get(head, 'm_data') + align);
    let done = 0;
    for (const m of k.get(MbufChains).chain(head)) {
      const room = mbufs.start(m) + mbufs.size(m) - mbuf.get(m, 'm_data');
      const count = Math.min(room, total - done);
      if ((yield* k.get(Uio).move(mbuf.get(m, 'm_data'), count, uio)) !== 0) {
        yield* mbufs.freem(head);
        return 0;
      }
      mbuf.set(m, 'm_len', count);
      done += count;
    }
    if (flags & k.macro('M_PKTHDR')) mbuf.set(head, 'm_pkthdr.len', total);
    return head;
  }

  /** m_mbuftouio(): 0, or an error number. */
  private *toUio(uio: Ptr, m: Ptr, length: number): Sleepable<number> {
    const { k } = this;
    const mbuf = k.struct('mbuf');
    const resid = k.struct('uio').get(uio, 'uio_resid');
    let left = length > 0 ? Math.min(resid, length) : resid;
    for (const one of k.get(MbufChains).chain(m)) {
      const count = Math.min(mbuf.get(one, 'm_len'), left);
      const error = yield* k.get(Uio).move(mbuf.get(one, 'm_data'), count, uio);
      if (error !== 0) return error;
      left -= count;
    }
    return 0;
  }
}
