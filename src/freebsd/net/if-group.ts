import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EEXIST, EINVAL, ENOENT } from '../errno.js';
import { EventHandlers } from '../kern/eventhandler.js';
import { SimpleTailQueue } from '../kern/queue.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Vnet } from './vnet.js';

/** Groups of interfaces (if_addgroup() and its kin, sys/net/if.c): struct ifg_group, in V_ifg_head, which pf(4) walks. */
export class IfGroups implements Subsystem {
  private readonly groups: SimpleTailQueue;
  private readonly members: SimpleTailQueue;
  private readonly ofInterface: SimpleTailQueue;

  constructor(private readonly k: FreebsdKernel) {
    this.groups = new SimpleTailQueue(k.space, k.struct('ifg_group').offsetOf('ifg_next'));
    this.members = new SimpleTailQueue(k.space, k.struct('ifg_member').offsetOf('ifgm_next'));
    this.ofInterface = new SimpleTailQueue(k.space, k.struct('ifg_list').offsetOf('ifgl_next'));
  }

  readonly exports = {
    if_addgroup: (ifp: Ptr, name: Ptr) => this.add(ifp, this.k.space.cstring(name)),
    if_delgroup: (ifp: Ptr, name: Ptr) => this.remove(ifp, this.k.space.cstring(name)),
  };

  boot(): void {
    this.k.get(Vnet).eachFromNowOn((vnet) => this.groups.init(this.head(vnet)));
  }

  private head(vnet?: Ptr): Ptr {
    return this.k.get(Vnet).variable('ifg_head', vnet);
  }

  private nameOf(group: Ptr): string {
    return this.k.struct('ifg_group').text(group, 'ifg_group');
  }

  private groupOf(entry: Ptr): Ptr {
    return this.k.struct('ifg_list').get(entry, 'ifgl_group');
  }

  /** The group's entry in an interface's list. */
  private entryOf(ifp: Ptr, name: string): Ptr | undefined {
    const list = this.k.struct('ifnet').addr(ifp, 'if_groups');
    for (const entry of this.ofInterface.elements(list))
      if (this.nameOf(this.groupOf(entry)) === name) return entry;
    return undefined;
  }

  *add(ifp: Ptr, name: string): Sleepable<number> {
    const { k } = this;
    const type = k.struct('ifg_group');
    // A name that ends in a digit would be an interface's.
    if (/\d$/.test(name)) return EINVAL;
    if (this.entryOf(ifp, name) !== undefined) return EEXIST;
    let group = [...this.groups.elements(this.head())].find((one) => this.nameOf(one) === name);
    const isNew = group === undefined;
    if (group === undefined) {
      group = k.slab.allocateBytes(type.size, true);
      type.setText(group, 'ifg_group', name);
      this.members.init(type.addr(group, 'ifg_members'));
      this.groups.insertTail(this.head(), group);
    }
    type.set(group, 'ifg_refcnt', type.get(group, 'ifg_refcnt') + 1);
    const entry = k.slab.allocateBytes(k.struct('ifg_list').size, true);
    k.struct('ifg_list').set(entry, 'ifgl_group', group);
    const member = k.slab.allocateBytes(k.struct('ifg_member').size, true);
    k.struct('ifg_member').set(member, 'ifgm_ifp', ifp);
    this.members.insertTail(type.addr(group, 'ifg_members'), member);
    this.ofInterface.insertTail(k.struct('ifnet').addr(ifp, 'if_groups'), entry);
    if (isNew) yield* k.get(EventHandlers).invoke('group_attach_event', 'v:pp', group);
    yield* k.get(EventHandlers).invoke('group_change_event', 'v:pp', type.addr(group, 'ifg_group'));
    return 0;
  }

  *remove(ifp: Ptr, name: string): Sleepable<number> {
    const entry = this.entryOf(ifp, name);
    if (entry === undefined) return ENOENT;
    yield* this.drop(ifp, entry);
    return 0;
  }

  /** All groups that an interface is in, as it goes. */
  *removeAll(ifp: Ptr): Sleepable<void> {
    const list = this.k.struct('ifnet').addr(ifp, 'if_groups');
    for (const entry of [...this.ofInterface.elements(list)]) yield* this.drop(ifp, entry);
  }

  private *drop(ifp: Ptr, entry: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('ifg_group');
    const group = this.groupOf(entry);
    const name = k.constantString(this.nameOf(group));
    this.ofInterface.remove(k.struct('ifnet').addr(ifp, 'if_groups'), entry);
    k.slab.free(entry);
    const head = type.addr(group, 'ifg_members');
    for (const member of [...this.members.elements(head)]) {
      if (k.struct('ifg_member').get(member, 'ifgm_ifp') !== ifp) continue;
      this.members.remove(head, member);
      k.slab.free(member);
    }
    const refs = type.get(group, 'ifg_refcnt') - 1;
    type.set(group, 'ifg_refcnt', refs);
    if (refs === 0) {
      this.groups.remove(this.head(), group);
      yield* k.get(EventHandlers).invoke('group_detach_event', 'v:pp', group);
      k.slab.free(group);
    }
    yield* k.get(EventHandlers).invoke('group_change_event', 'v:pp', name);
  }
}
