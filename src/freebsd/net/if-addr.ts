import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { ENOENT, EOPNOTSUPP } from '../errno.js';
import { Counters } from '../kern/counter.js';
import { Epochs } from '../kern/epoch.js';
import { SimpleTailQueue } from '../kern/queue.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { linkBytes } from './if-accessors.js';
import { SIOCADDMULTI, SIOCDELMULTI } from './sockio.js';

const COUNTERS = ['ifa_ipackets', 'ifa_opackets', 'ifa_ibytes', 'ifa_obytes'];

/** Addresses of interfaces: struct ifaddr, first of which is the link's own, and multicast groups (sys/net/if.c). */
export class IfAddresses implements Subsystem {
  private readonly addresses: SimpleTailQueue;
  private readonly groups: SimpleTailQueue;

  constructor(private readonly k: FreebsdKernel) {
    this.addresses = new SimpleTailQueue(k.space, k.struct('ifaddr').offsetOf('ifa_link'));
    this.groups = new SimpleTailQueue(k.space, k.struct('ifmultiaddr').offsetOf('ifma_link'));
  }

  private get type() {
    return this.k.struct('ifaddr');
  }

  readonly exports = {
    ifa_alloc: (bytes: number) => this.alloc(bytes),
    ifa_free: (ifa: Ptr) => this.release(ifa),
    ifa_ref: (ifa: Ptr) => this.ref(ifa),
    ifa_iter_start: (ifp: Ptr, iter: Ptr) => this.iterate(iter, this.first(ifp)),
    ifa_iter_next: (iter: Ptr) => this.iterate(iter, this.next(this.k.space.loadPtr(iter))),
    ifa_iter_finish: () => {},
    if_purgeaddrs: (ifp: Ptr) => this.purge(ifp),
    if_foreach_lladdr: (ifp: Ptr, callback: Ptr, arg: Ptr) => this.forEachLink(ifp, callback, arg),
    if_lladdr_count: (ifp: Ptr) => this.ofFamily(ifp, this.k.macro('AF_LINK')).length,
    if_foreach_addr_type: (ifp: Ptr, family: number, callback: Ptr, arg: Ptr) =>
      this.forEachOf(ifp, family, callback, arg),
    if_foreach_llmaddr: (ifp: Ptr, callback: Ptr, arg: Ptr) => this.forEachGroup(ifp, callback, arg),
    if_llmaddr_count: (ifp: Ptr) => this.linkGroups(ifp).length,
    if_maddr_empty: (ifp: Ptr) => Number(this.groupsOf(ifp).length === 0),
    if_addmulti: (ifp: Ptr, address: Ptr, place: Ptr) => this.join(ifp, address, place),
    if_delmulti: (ifp: Ptr, address: Ptr) => this.leave(ifp, this.find(ifp, address)),
    if_delmulti_ifma: (group: Ptr) => this.leave(this.k.struct('ifmultiaddr').get(group, 'ifma_ifp'), group),
    if_findmulti: (ifp: Ptr, address: Ptr) => this.find(ifp, address) ?? 0,
    if_setlladdr: (ifp: Ptr, address: Ptr, bytes: number) => this.setLink(ifp, address, bytes),
  };

  private iterate(iter: Ptr, ifa: Ptr): Ptr {
    this.k.space.storePtr(iter, ifa);
    return ifa;
  }

  private head(ifp: Ptr): Ptr {
    return this.k.struct('ifnet').addr(ifp, 'if_addrhead');
  }

  private first(ifp: Ptr): Ptr {
    return this.addresses.first(this.head(ifp));
  }

  private next(ifa: Ptr): Ptr {
    return ifa === 0 ? 0 : this.k.space.loadPtr(this.type.addr(ifa, 'ifa_link'));
  }

  private ofFamily(ifp: Ptr, family: number): Ptr[] {
    return [...this.addresses.elements(this.head(ifp))].filter(
      (ifa) => this.familyOf(this.type.get(ifa, 'ifa_addr')) === family,
    );
  }

  private familyOf(address: Ptr): number {
    return this.k.struct('sockaddr').get(address, 'sa_family');
  }

  *alloc(bytes: number): Sleepable<Ptr> {
    const { k } = this;
    const ifa = k.slab.allocateBytes(bytes, true);
    for (const member of COUNTERS)
      this.type.setBig(ifa, member, yield* k.get(Counters).alloc(k.macro('M_WAITOK')));
    this.type.set(ifa, 'ifa_refcnt', 1);
    return ifa;
  }

  private ref(ifa: Ptr): void {
    this.type.set(ifa, 'ifa_refcnt', this.type.get(ifa, 'ifa_refcnt') + 1);
  }

  private release(ifa: Ptr): void {
    const { k } = this;
    const refs = this.type.get(ifa, 'ifa_refcnt') - 1;
    this.type.set(ifa, 'ifa_refcnt', refs);
    if (refs === 0) k.get(Epochs).deferOwn(k.get(Epochs).net, () => this.destroy(ifa));
  }

  private *destroy(ifa: Ptr): Sleepable<void> {
    for (const member of COUNTERS) yield* this.k.get(Counters).free(this.type.getBig(ifa, member));
    this.k.slab.free(ifa);
  }

  /** The link-level address, of no bytes yet, and its mask: what every interface has first. */
  *attachLink(ifp: Ptr): Sleepable<void> {
    const { k } = this;
    const net = k.struct('ifnet');
    const sdl = k.struct('sockaddr_dl');
    const name = net.text(ifp, 'if_xname');
    const mask = sdl.offsetOf('sdl_data') + name.length;
    const room = Math.ceil(Math.max(mask + net.get(ifp, 'if_addrlen'), sdl.size) / 8) * 8;
    const ifa = yield* this.alloc(this.type.size + 2 * room);
    const address = ifa + this.type.size;
    sdl.set(address, 'sdl_len', room);
    sdl.set(address, 'sdl_family', k.macro('AF_LINK'));
    k.space.storeCstring(sdl.addr(address, 'sdl_data'), name);
    sdl.set(address, 'sdl_nlen', name.length);
    sdl.set(address, 'sdl_index', net.get(ifp, 'if_index'));
    sdl.set(address, 'sdl_type', net.get(ifp, 'if_type'));
    sdl.set(address + room, 'sdl_len', mask);
    k.space.writable(sdl.addr(address + room, 'sdl_data'), name.length).fill(0xff);
    this.type.set(ifa, 'ifa_ifp', ifp);
    this.type.set(ifa, 'ifa_addr', address);
    this.type.set(ifa, 'ifa_netmask', address + room);
    net.set(ifp, 'if_addr', ifa);
    if (net.get(ifp, 'if_hw_addr') === 0)
      net.set(ifp, 'if_hw_addr', net.get(ifp, 'if_addrlen') === 0 ? 0 : linkBytes(k, address));
    this.addresses.insertHead(this.head(ifp), ifa);
  }

  *detachLink(ifp: Ptr): Sleepable<void> {
    const net = this.k.struct('ifnet');
    const ifa = net.get(ifp, 'if_addr');
    for (const group of this.groupsOf(ifp)) yield* this.leave(ifp, group);
    if (ifa === 0) return;
    this.addresses.remove(this.head(ifp), ifa);
    net.set(ifp, 'if_addr', 0);
    this.release(ifa);
  }

  /** All but the link's own. */
  purge(ifp: Ptr): void {
    for (const ifa of [...this.addresses.elements(this.head(ifp))]) {
      if (ifa === this.k.struct('ifnet').get(ifp, 'if_addr')) continue;
      this.addresses.remove(this.head(ifp), ifa);
      this.release(ifa);
    }
  }

  private setLink(ifp: Ptr, address: Ptr, bytes: number): number {
    const { k } = this;
    const ifa = k.struct('ifnet').get(ifp, 'if_addr');
    if (ifa === 0) return ENOENT;
    const sdl = this.type.get(ifa, 'ifa_addr');
    k.struct('sockaddr_dl').set(sdl, 'sdl_alen', bytes);
    k.space.writable(linkBytes(k, sdl), bytes).set(k.space.readable(address, bytes));
    return 0;
  }

  private *forEachLink(ifp: Ptr, callback: Ptr, arg: Ptr): Sleepable<number> {
    let count = 0;
    for (const ifa of this.ofFamily(ifp, this.k.macro('AF_LINK')))
      count += yield* this.k.callAs('u:ppu', callback, arg, this.type.get(ifa, 'ifa_addr'), count);
    return count;
  }

  private *forEachOf(ifp: Ptr, family: number, callback: Ptr, arg: Ptr): Sleepable<number> {
    let count = 0;
    for (const ifa of this.ofFamily(ifp, family))
      count += yield* this.k.callAs('u:ppu', callback, arg, ifa, count);
    return count;
  }

  private groupsOf(ifp: Ptr): Ptr[] {
    return [...this.groups.elements(this.k.struct('ifnet').addr(ifp, 'if_multiaddrs'))];
  }

  private linkGroups(ifp: Ptr): Ptr[] {
    const type = this.k.struct('ifmultiaddr');
    const link = this.k.macro('AF_LINK');
    return this.groupsOf(ifp).filter((group) => this.familyOf(type.get(group, 'ifma_addr')) === link);
  }

  private *forEachGroup(ifp: Ptr, callback: Ptr, arg: Ptr): Sleepable<number> {
    const type = this.k.struct('ifmultiaddr');
    let count = 0;
    for (const group of this.linkGroups(ifp))
      count += yield* this.k.callAs('u:ppu', callback, arg, type.get(group, 'ifma_addr'), count);
    return count;
  }

  private bytesOf(address: Ptr): Uint8Array {
    return this.k.space.readable(address, this.k.struct('sockaddr').get(address, 'sa_len')).slice();
  }

  private find(ifp: Ptr, address: Ptr): Ptr | undefined {
    const wanted = this.bytesOf(address);
    const type = this.k.struct('ifmultiaddr');
    return this.groupsOf(ifp).find((group) => {
      const own = this.bytesOf(type.get(group, 'ifma_addr'));
      return own.length === wanted.length && own.every((byte, i) => byte === wanted[i]);
    });
  }

  /** if_addmulti(): the driver is told of a new one. */
  private *join(ifp: Ptr, address: Ptr, place: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('ifmultiaddr');
    let group = this.find(ifp, address);
    if (group === undefined) {
      const bytes = this.bytesOf(address);
      group = k.slab.allocateBytes(type.size + bytes.length, true);
      k.space.writable(group + type.size, bytes.length).set(bytes);
      type.set(group, 'ifma_addr', group + type.size);
      type.set(group, 'ifma_ifp', ifp);
      this.groups.insertHead(k.struct('ifnet').addr(ifp, 'if_multiaddrs'), group);
      yield* this.tell(ifp, SIOCADDMULTI);
    }
    type.set(group, 'ifma_refcount', type.get(group, 'ifma_refcount') + 1);
    if (place !== 0) k.space.storePtr(place, group);
    return 0;
  }

  private *leave(ifp: Ptr, group: Ptr | undefined): Sleepable<number> {
    if (group === undefined) return ENOENT;
    const { k } = this;
    const type = k.struct('ifmultiaddr');
    const refs = type.get(group, 'ifma_refcount') - 1;
    type.set(group, 'ifma_refcount', refs);
    if (refs > 0) return 0;
    this.groups.remove(k.struct('ifnet').addr(ifp, 'if_multiaddrs'), group);
    k.get(Epochs).deferOwn(k.get(Epochs).net, () => k.slab.free(group));
    return yield* this.tell(ifp, SIOCDELMULTI);
  }

  private *tell(ifp: Ptr, request: number): Sleepable<number> {
    const net = this.k.struct('ifnet');
    if (net.get(ifp, 'if_ioctl') === 0) return EOPNOTSUPP;
    return yield* net.call(ifp, 'if_ioctl', ifp, request, 0);
  }
}
