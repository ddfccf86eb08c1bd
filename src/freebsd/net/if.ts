import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import { runNow, type Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_INFO } from '../../kernel/log.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { Counters } from '../kern/counter.js';
import { Epochs } from '../kern/epoch.js';
import { EventHandlers } from '../kern/eventhandler.js';
import { Mutexes } from '../kern/mutex.js';
import { SimpleTailQueue, TailQueue } from '../kern/queue.js';
import { SubrPrf } from '../kern/subr_prf.js';
import { SxLocks } from '../kern/sx.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { HookPointers } from './hook-pointers.js';
import { IfAddresses } from './if-addr.js';
import { IfGroups } from './if-group.js';
import { Vnet } from './vnet.js';

/** IFG_ALL (sys/net/if.h): the group that every interface is in. */
const ALL = 'all';
/** Members that point to functions of the driver's. */
const FUNCTIONS = ['if_ioctl', 'if_init', 'if_start', 'if_transmit', 'if_qflush', 'if_input', 'if_output'];
/** ifqmaxlen: packets that an output queue takes where the driver says nothing (IFQ_MAXLEN). */
const QUEUE_LENGTH = 50;

/** Network interfaces (sys/net/if.c): struct ifnet, their coming and going, and the list of them in each network stack. */
export class Ifnets implements Subsystem {
  private readonly queue: SimpleTailQueue;
  /** By if_index, from 1. */
  private readonly byIndex: (Ptr | undefined)[] = [undefined];
  private readonly attached = new Set<Ptr>();
  /** if_register_com_alloc(): what link layers of a type keep beside an interface. */
  private readonly comAllocs = new Map<number, { readonly alloc: Ptr; readonly free: Ptr }>();

  constructor(private readonly k: FreebsdKernel) {
    this.queue = new SimpleTailQueue(k.space, k.struct('ifnet').offsetOf('if_link'));
  }

  private get type() {
    return this.k.struct('ifnet');
  }

  readonly exports = {
    if_alloc: (type: number) => this.alloc(type),
    if_alloc_dev: (type: number) => this.alloc(type),
    if_initname: (ifp: Ptr, name: Ptr, unit: number) => this.initName(ifp, name, unit),
    if_attach: (ifp: Ptr) => this.attach(ifp),
    if_detach: (ifp: Ptr) => this.detach(ifp),
    if_free: (ifp: Ptr) => this.free(ifp),
    if_ref: (ifp: Ptr) => this.ref(ifp),
    if_try_ref: (ifp: Ptr) => {
      this.ref(ifp);
      return true;
    },
    if_rele: (ifp: Ptr) => this.release(ifp),
    ifunit: (name: Ptr) => this.named(this.k.space.cstring(name)) ?? 0,
    ifunit_ref: (name: Ptr) => this.referenced(this.named(this.k.space.cstring(name))),
    ifnet_byindex: (index: number) => this.byIndex[index] ?? 0,
    ifnet_byindex_ref: (index: number) => this.referenced(this.byIndex[index]),
    ifnet_byindexgen: (index: number, generation: number) => {
      const ifp = this.byIndex[index];
      return ifp !== undefined && this.type.get(ifp, 'if_idxgen') === generation ? ifp : 0;
    },
    if_gethandle: (type: number) => this.alloc(type),
    if_register_com_alloc: (type: number, alloc: Ptr, free: Ptr) => {
      this.comAllocs.set(type, { alloc, free });
    },
    if_deregister_com_alloc: (type: number) => {
      this.comAllocs.delete(type);
    },
    if_printf: (ifp: Ptr, format: Ptr, args: VarArgs) => this.print(ifp, format, args),
    if_log: (ifp: Ptr, priority: number, format: Ptr, args: VarArgs) => {
      const text = `${this.nameOf(ifp)}: ${this.k.get(SubrPrf).text(format, args)}`;
      this.k.log.write(text, priority & 7);
      return text.length;
    },
    if_foreach: (callback: Ptr, arg: Ptr) => this.forEach(0, 0, callback, arg),
    if_foreach_sleep: (match: Ptr, matchArg: Ptr, callback: Ptr, arg: Ptr) =>
      this.forEach(match, matchArg, callback, arg),
    if_iter_start: (iter: Ptr) => this.iterate(iter, this.list[0] ?? 0),
    if_iter_next: (iter: Ptr) => this.iterate(iter, this.after(this.k.space.loadPtr(iter))),
    if_iter_finish: () => {},
    if_up: (ifp: Ptr) => this.setUp(ifp, true),
    if_down: (ifp: Ptr) => this.setUp(ifp, false),
    if_link_state_change: (ifp: Ptr, state: number) => this.changeLinkState(ifp, state),
  };

  readonly data = {
    ifnet_sxlock: (at: Ptr) => this.sx(at, 'ifnet_sx'),
    ifnet_detach_sxlock: (at: Ptr) => this.sx(at, 'ifnet_detach_sx'),
    ifqmaxlen: (at: Ptr) => this.k.space.store32(at, QUEUE_LENGTH),
  };

  private sx(at: Ptr, name: string): void {
    this.k.get(SxLocks).init(at, this.k.constantString(name), this.k.macro('SX_RECURSE'));
  }

  boot(): void {
    this.k.get(Vnet).eachFromNowOn((vnet) => this.queue.init(this.head(vnet)));
  }

  private head(vnet?: Ptr): Ptr {
    return this.k.get(Vnet).variable('ifnet', vnet);
  }

  /** V_ifnet: those of the current network stack. */
  get list(): readonly Ptr[] {
    return [...this.queue.elements(this.head())];
  }

  private after(ifp: Ptr): Ptr {
    return ifp === 0 ? 0 : (this.list[this.list.indexOf(ifp) + 1] ?? 0);
  }

  nameOf(ifp: Ptr): string {
    return this.type.text(ifp, 'if_xname');
  }

  named(name: string): Ptr | undefined {
    return this.list.find((ifp) => this.nameOf(ifp) === name);
  }

  private iterate(iter: Ptr, ifp: Ptr): Ptr {
    this.k.space.storePtr(iter, ifp);
    return ifp;
  }

  private *forEach(match: Ptr, matchArg: Ptr, callback: Ptr, arg: Ptr): Sleepable<number> {
    for (const ifp of this.list) {
      if (match !== 0 && (yield* this.k.callAs('b:pp', match, ifp, matchArg)) === 0) continue;
      const error = yield* this.k.callAs('i:pp', callback, ifp, arg);
      if (error !== 0) return error;
    }
    return 0;
  }

  /** if_alloc(): an interface that nobody sees yet, with the lowest index that is free. */
  *alloc(type: number): Sleepable<Ptr> {
    const { k } = this;
    const ifp = k.slab.allocateBytes(this.type.size, true);
    const free = this.byIndex.indexOf(undefined, 1);
    const index = free < 0 ? this.byIndex.length : free;
    this.byIndex[index] = ifp;
    this.type.set(ifp, 'if_index', index);
    this.type.set(ifp, 'if_type', type);
    this.type.set(ifp, 'if_alloctype', type);
    this.type.set(ifp, 'if_numa_domain', k.macro('IF_NODOM'));
    this.type.set(ifp, 'if_pcp', k.macro('IFNET_PCP_NONE'));
    this.type.set(ifp, 'if_refcount', 1);
    const mutex = (member: string, name: string): void =>
      k.get(Mutexes).init(this.type.addr(ifp, member), k.constantString(name), k.macro('MTX_DEF'));
    mutex('if_addr_lock', 'if_addr_lock');
    mutex('if_afdata_lock', 'if_afdata');
    this.queue.init(this.type.addr(ifp, 'if_addrhead'));
    this.queue.init(this.type.addr(ifp, 'if_multiaddrs'));
    new TailQueue(k.space, 0).init(this.type.addr(ifp, 'if_groups'));
    for (let i = 0; i < k.enumValue('IFCOUNTERS'); i++) {
      const counter = yield* k.get(Counters).alloc(k.macro('M_WAITOK'));
      k.space.store64(this.type.addr(ifp, 'if_counters') + 8 * i, counter);
    }
    this.type.set(ifp, 'if_get_counter', k.fn('if_get_counter_default'));
    const com = this.comAllocs.get(type);
    if (com) this.type.set(ifp, 'if_l2com', yield* k.callAs('p:Cp', com.alloc, type, ifp));
    k.origins.note(ifp);
    return ifp;
  }

  private initName(ifp: Ptr, name: Ptr, unit: number): void {
    const { k } = this;
    this.type.set(ifp, 'if_dname', name);
    this.type.set(ifp, 'if_dunit', unit);
    const none = unit === k.macro('IF_DUNIT_NONE');
    this.type.setText(ifp, 'if_xname', none ? k.space.cstring(name) : `${k.space.cstring(name)}${unit}`);
  }

  /** if_attach(). */
  *attach(ifp: Ptr): Sleepable<void> {
    const { k } = this;
    if (this.byIndex[this.type.get(ifp, 'if_index')] !== ifp)
      k.panic(`if_attach_internal: BUG: if_attach called without if_alloc'd input()\n`);
    const vnet = k.get(Vnet).current || k.get(Vnet).vnet0;
    this.type.set(ifp, 'if_vnet', vnet);
    if (this.type.get(ifp, 'if_home_vnet') === 0) this.type.set(ifp, 'if_home_vnet', vnet);
    yield* k.get(IfGroups).add(ifp, ALL);
    const now = Math.floor(k.now() / 1e9);
    this.type.set(ifp, 'if_epoch', now);
    this.defaults(ifp);
    yield* k.get(IfAddresses).attachLink(ifp);
    this.queue.insertTail(this.head(vnet), ifp);
    k.struct('vnet').set(vnet, 'vnet_ifcnt', k.struct('vnet').get(vnet, 'vnet_ifcnt') + 1);
    this.attached.add(ifp);
    k.origins.note(ifp);
    yield* k.get(EventHandlers).invoke('ifnet_arrival_event', 'v:pp', ifp);
  }

  /** What of a driver's functions it has not given. */
  private defaults(ifp: Ptr): void {
    const { k } = this;
    const give = (member: string, name: string): void => {
      if (this.type.get(ifp, member) === 0) this.type.set(ifp, member, k.fn(name));
    };
    if (this.type.get(ifp, 'if_transmit') === 0) {
      this.type.set(ifp, 'if_transmit', this.defaultTransmit());
      give('if_qflush', 'if_qflush');
    }
    if (this.type.get(ifp, 'if_input') === 0) this.type.set(ifp, 'if_input', this.defaultInput());
    const snd = this.type.addr(ifp, 'if_snd');
    const queue = k.struct('ifaltq');
    if (queue.get(snd, 'ifq_maxlen') === 0) queue.set(snd, 'ifq_maxlen', QUEUE_LENGTH);
  }

  /** if_transmit_default(), if_input_default(): set by who handles packets. */
  defaultTransmit: () => Ptr = () => 0;
  defaultInput: () => Ptr = () => 0;

  /** if_detach(). */
  *detach(ifp: Ptr): Sleepable<void> {
    const { k } = this;
    if (!this.attached.delete(ifp)) return;
    const vnet = this.type.get(ifp, 'if_vnet');
    yield* k.get(Vnet).within(vnet, this.leave(ifp, vnet));
  }

  private *leave(ifp: Ptr, vnet: Ptr): Sleepable<void> {
    const { k } = this;
    this.queue.remove(this.head(vnet), ifp);
    k.struct('vnet').set(vnet, 'vnet_ifcnt', k.struct('vnet').get(vnet, 'vnet_ifcnt') - 1);
    k.get(IfAddresses).purge(ifp);
    yield* k.get(EventHandlers).invoke('ifnet_departure_event', 'v:pp', ifp);
    yield* k.get(IfAddresses).detachLink(ifp);
    yield* k.get(IfGroups).removeAll(ifp);
    this.type.set(ifp, 'if_vnet', 0);
  }

  /** if_free(): gone once nobody refers to it and all who may have seen it have left their sections. */
  private free(ifp: Ptr): void {
    const index = this.type.get(ifp, 'if_index');
    this.type.set(ifp, 'if_flags', this.type.get(ifp, 'if_flags') | this.k.macro('IFF_DYING'));
    if (this.byIndex[index] === ifp) this.byIndex[index] = undefined;
    this.k.origins.forget(ifp);
    this.release(ifp);
  }

  private ref(ifp: Ptr): void {
    this.type.set(ifp, 'if_refcount', this.type.get(ifp, 'if_refcount') + 1);
  }

  private referenced(ifp: Ptr | undefined): Ptr {
    if (ifp === undefined) return 0;
    this.ref(ifp);
    return ifp;
  }

  private release(ifp: Ptr): void {
    const refs = this.type.get(ifp, 'if_refcount') - 1;
    this.type.set(ifp, 'if_refcount', refs);
    const { k } = this;
    if (refs === 0) k.get(Epochs).deferOwn(k.get(Epochs).net, () => this.destroy(ifp));
  }

  private *destroy(ifp: Ptr): Sleepable<void> {
    const { k } = this;
    const com = this.comAllocs.get(this.type.get(ifp, 'if_alloctype'));
    const l2com = this.type.get(ifp, 'if_l2com');
    if (com && l2com !== 0) yield* k.callAs('v:pC', com.free, l2com, this.type.get(ifp, 'if_alloctype'));
    for (const member of ['if_addr_lock', 'if_afdata_lock'])
      k.get(Mutexes).destroy(this.type.addr(ifp, member));
    const description = this.type.get(ifp, 'if_description');
    if (description !== 0) k.slab.free(description);
    for (let i = 0; i < k.enumValue('IFCOUNTERS'); i++)
      yield* k.get(Counters).free(k.space.load64(this.type.addr(ifp, 'if_counters') + 8 * i));
    k.slab.free(ifp);
  }

  private print(ifp: Ptr, format: Ptr, args: VarArgs): number {
    const text = `${this.nameOf(ifp)}: ${this.k.get(SubrPrf).text(format, args)}`;
    return this.k.get(SubrPrf).print(text);
  }

  private setUp(ifp: Ptr, up: boolean): void {
    const flag = this.k.macro('IFF_UP');
    const flags = this.type.get(ifp, 'if_flags');
    this.type.set(ifp, 'if_flags', up ? flags | flag : flags & ~flag);
  }

  /** Those whose change nobody has heard of yet: their if_linktask is on taskqueue_swi. */
  private readonly changing = new Set<Ptr>();

  private changeLinkState(ifp: Ptr, state: number): void {
    if (this.type.get(ifp, 'if_link_state') === state) return;
    this.type.set(ifp, 'if_link_state', state);
    if (this.changing.has(ifp)) return;
    this.changing.add(ifp);
    const { k } = this;
    const vnet = this.type.get(ifp, 'if_vnet');
    const body = k.get(Vnet).within(vnet, this.tellLinkState(ifp));
    k.processes.spawn({ name: 'swi6: task queue', process: k.processes.kernel }, body);
  }

  /** do_link_state_change(). */
  private *tellLinkState(ifp: Ptr): Sleepable<void> {
    const { k } = this;
    this.changing.delete(ifp);
    if (!this.attached.has(ifp)) return;
    const state = this.type.get(ifp, 'if_link_state');
    const hooks = k.get(HookPointers);
    if (this.type.get(ifp, 'if_vlantrunk') !== 0 && hooks.get('vlan_link_state_p') !== 0)
      yield* k.callAs('v:p', hooks.get('vlan_link_state_p'), ifp);
    if (this.type.get(ifp, 'if_l2com') !== 0 && hooks.get('ng_ether_link_state_p') !== 0)
      yield* k.callAs('v:pi', hooks.get('ng_ether_link_state_p'), ifp, state);
    if (this.type.get(ifp, 'if_lagg') !== 0 && hooks.get('lagg_linkstate_p') !== 0)
      yield* k.callAs('v:pi', hooks.get('lagg_linkstate_p'), ifp, state);
    const text = state === k.macro('LINK_STATE_UP') ? 'UP' : 'DOWN';
    k.log.line(`${this.nameOf(ifp)}: link state changed to ${text}`, LOGLEVEL_INFO);
    yield* k.get(EventHandlers).invoke('ifnet_link_event', 'v:ppi', ifp, state);
  }

  /** An interface of the kernel's own, at boot. */
  makeOwn(type: string, name: string, unit: number, fill: (ifp: Ptr) => void): Ptr {
    const ifp = runNow(this.alloc(this.k.enumValue(type)));
    this.initName(ifp, this.k.constantString(name), unit);
    fill(ifp);
    runNow(this.attach(ifp));
    return ifp;
  }

  *holds(): Generator<Holding> {
    for (const ifp of this.attached) {
      const uses = FUNCTIONS.map((member) => this.type.get(ifp, member));
      const by = this.k.origins.of(ifp);
      yield { kind: 'network interface', at: ifp, uses, by, name: () => this.nameOf(ifp) };
    }
  }
}
