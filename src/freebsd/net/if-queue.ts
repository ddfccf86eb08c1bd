import type { Ptr } from '../../cpu/layout.js';
import { nothing } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL, ENOBUFS, EOPNOTSUPP } from '../errno.js';
import { Counters } from '../kern/counter.js';
import { Mbufs } from '../kern/kern-mbuf.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { HookPointers } from './hook-pointers.js';
import { Ifnets } from './if.js';
import { SIOCSIFFLAGS } from './sockio.js';

/** Packets' way through an interface: its output queue, and calls of the driver's functions (sys/net/if.c, ifq.h). */
export class IfQueues implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  private get net() {
    return this.k.struct('ifnet');
  }

  readonly exports = {
    if_transmit: (ifp: Ptr, m: Ptr) => this.net.call(ifp, 'if_transmit', ifp, m),
    if_input: (ifp: Ptr, m: Ptr) => this.net.call(ifp, 'if_input', ifp, m),
    if_init: (ifp: Ptr, context: Ptr) => this.init(ifp, context),
    if_start: (ifp: Ptr) => this.net.call(ifp, 'if_start', ifp),
    if_ioctl: (ifp: Ptr, request: number, data: Ptr) => this.net.call(ifp, 'if_ioctl', ifp, request, data),
    if_getcounter: (ifp: Ptr, counter: number) => this.net.callBig(ifp, 'if_get_counter', ifp, counter),
    if_resolvemulti: (ifp: Ptr, place: Ptr, address: Ptr) => this.resolve(ifp, place, address),
    if_qflush: (ifp: Ptr) => this.flush(ifp),
    if_setsendqlen: (ifp: Ptr, packets: number) => {
      this.queue.set(this.of(ifp), 'ifq_maxlen', packets);
      this.queue.set(this.of(ifp), 'ifq_drv_maxlen', packets);
      return 0;
    },
    if_setsendqready: () => 0,
    if_sendq_empty: (ifp: Ptr) => Number(this.queue.get(this.of(ifp), 'ifq_len') === 0),
    if_sendq_prepend: (ifp: Ptr, m: Ptr) => this.prepend(ifp, m),
    if_dequeue: (ifp: Ptr) => this.dequeue(ifp),
    if_setlastchange: (ifp: Ptr) => {
      const micros = Number(this.k.clock.bootTime / 1000n) + Math.floor(this.k.now() / 1000);
      this.net.set(ifp, 'if_lastchange.tv_sec', Math.floor(micros / 1e6));
      this.net.set(ifp, 'if_lastchange.tv_usec', micros % 1e6);
    },
    if_notifymtu: nothing('nobody listens to changes of routes', undefined),
    if_vlancap: (ifp: Ptr) => this.vlanCapabilities(ifp),
    ifpromisc: (ifp: Ptr, on: number) => this.promiscuous(ifp, on !== 0),
    if_allmulti: (ifp: Ptr, on: number) => this.allMulticast(ifp, on !== 0),
    if_tunnel_check_nesting: nothing('packets do not go through tunnels', 0),
    ifr_data_get_ptr: (ifr: Ptr) => this.k.space.loadPtr(ifr + this.k.macro('IFNAMSIZ')),
    ifr_buffer_get_buffer: (ifr: Ptr) => this.k.space.loadPtr(ifr + this.k.macro('IFNAMSIZ') + 8),
    ifr_buffer_get_length: (ifr: Ptr) => this.k.space.loadU64(ifr + this.k.macro('IFNAMSIZ')),
  };

  readonly signatures = { if_getcounter: 'Q:pi', if_tunnel_check_nesting: 'i:ppui' };

  boot(): void {
    const { k } = this;
    const { exports } = k;
    k.get(Ifnets).defaultTransmit = () =>
      exports.hostFunction('if_transmit_default', 'i:pp', (ifp: Ptr, m: Ptr) => this.transmit(ifp, m));
    k.get(Ifnets).defaultInput = () =>
      exports.hostFunction('if_input_default', 'v:pp', (_ifp: Ptr, m: Ptr) => k.get(Mbufs).freem(m));
  }

  private get queue() {
    return this.k.struct('ifaltq');
  }

  private of(ifp: Ptr): Ptr {
    return this.net.addr(ifp, 'if_snd');
  }

  private *vlanCapabilities(ifp: Ptr): Sleepable<void> {
    const hook = this.k.get(HookPointers).get('vlan_trunk_cap_p');
    if (this.net.get(ifp, 'if_vlantrunk') !== 0 && hook !== 0) yield* this.k.callAs('v:p', hook, ifp);
  }

  private *init(ifp: Ptr, context: Ptr): Sleepable<void> {
    if (this.net.get(ifp, 'if_init') !== 0) yield* this.net.call(ifp, 'if_init', context);
  }

  private *resolve(ifp: Ptr, place: Ptr, address: Ptr): Sleepable<number> {
    if (this.net.get(ifp, 'if_resolvemulti') === 0) return EOPNOTSUPP;
    return yield* this.net.call(ifp, 'if_resolvemulti', ifp, place, address);
  }

  private count(ifp: Ptr, counter: string): void {
    const { k } = this;
    const at = this.net.addr(ifp, 'if_counters') + 8 * k.enumValue(counter);
    k.get(Counters).add(k.space.load64(at), 1n);
  }

  /** Puts a packet on the queue and tells the driver, if it is not busy. */
  private *transmit(ifp: Ptr, m: Ptr): Sleepable<number> {
    const { k } = this;
    const snd = this.of(ifp);
    const [length, most] = [this.queue.get(snd, 'ifq_len'), this.queue.get(snd, 'ifq_maxlen')];
    if (length >= most) {
      this.count(ifp, 'IFCOUNTER_OQDROPS');
      yield* k.get(Mbufs).freem(m);
      return ENOBUFS;
    }
    const next = k.struct('mbuf').offsetOf('m_nextpkt');
    const tail = this.queue.get(snd, 'ifq_tail');
    k.space.storePtr(m + next, 0);
    if (tail === 0) this.queue.set(snd, 'ifq_head', m);
    else k.space.storePtr(tail + next, m);
    this.queue.set(snd, 'ifq_tail', m);
    this.queue.set(snd, 'ifq_len', length + 1);
    const busy = this.net.get(ifp, 'if_drv_flags') & k.macro('IFF_DRV_OACTIVE');
    if (!busy && this.net.get(ifp, 'if_start') !== 0) yield* this.net.call(ifp, 'if_start', ifp);
    return 0;
  }

  private dequeue(ifp: Ptr): Ptr {
    const { k } = this;
    const snd = this.of(ifp);
    const m = this.queue.get(snd, 'ifq_head');
    if (m === 0) return 0;
    const next = k.struct('mbuf').offsetOf('m_nextpkt');
    this.queue.set(snd, 'ifq_head', k.space.loadPtr(m + next));
    if (k.space.loadPtr(m + next) === 0) this.queue.set(snd, 'ifq_tail', 0);
    k.space.storePtr(m + next, 0);
    this.queue.set(snd, 'ifq_len', this.queue.get(snd, 'ifq_len') - 1);
    return m;
  }

  private prepend(ifp: Ptr, m: Ptr): number {
    const { k } = this;
    const snd = this.of(ifp);
    const head = this.queue.get(snd, 'ifq_head');
    k.space.storePtr(m + k.struct('mbuf').offsetOf('m_nextpkt'), head);
    if (head === 0) this.queue.set(snd, 'ifq_tail', m);
    this.queue.set(snd, 'ifq_head', m);
    this.queue.set(snd, 'ifq_len', this.queue.get(snd, 'ifq_len') + 1);
    return 0;
  }

  *flush(ifp: Ptr): Sleepable<void> {
    for (let m = this.dequeue(ifp); m !== 0; m = this.dequeue(ifp)) yield* this.k.get(Mbufs).freem(m);
  }

  /** ifpromisc(): the first one turns it on, the last one off. */
  private *promiscuous(ifp: Ptr, on: boolean): Sleepable<number> {
    return yield* this.setFlag(ifp, on, {
      flag: 'IFF_PROMISC',
      counter: 'if_pcount',
      what: 'promiscuous mode',
    });
  }

  private *allMulticast(ifp: Ptr, on: boolean): Sleepable<number> {
    return yield* this.setFlag(ifp, on, { flag: 'IFF_ALLMULTI', counter: 'if_amcount', what: undefined });
  }

  private *setFlag(
    ifp: Ptr,
    on: boolean,
    {
      flag,
      counter,
      what,
    }: { readonly flag: string; readonly counter: string; readonly what: string | undefined },
  ): Sleepable<number> {
    const { k } = this;
    const before = this.net.get(ifp, counter);
    if (!on && before === 0) return EINVAL;
    this.net.set(ifp, counter, before + (on ? 1 : -1));
    if (on ? before > 0 : before > 1) return 0;
    const flags = this.net.get(ifp, 'if_flags');
    const bit = k.macro(flag);
    this.net.set(ifp, 'if_flags', on ? flags | bit : flags & ~bit);
    if (flags & k.macro('IFF_UP') && this.net.get(ifp, 'if_ioctl') !== 0)
      yield* this.net.call(ifp, 'if_ioctl', ifp, SIOCSIFFLAGS, 0);
    if (what) k.get(SubrPrf).line(`${k.get(Ifnets).nameOf(ifp)}: ${what} ${on ? 'enabled' : 'disabled'}`);
    return 0;
  }
}
