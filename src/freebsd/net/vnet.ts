import type { Ptr } from '../../cpu/layout.js';
import { runNow, type Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { Credentials } from '../kern/kern-prot.js';
import { LinkedList } from '../kern/queue.js';
import { RwLocks } from '../kern/rwlock.js';
import { SxLocks } from '../kern/sx.js';
import type { FreebsdKernel } from '../kernel.js';
import { LinkerSets } from '../linker/linker-sets.js';
import type { Subsystem } from '../subsystem.js';

/** A struct vnet_sysinit that a module registered. */
interface VnetSysinit {
  readonly at: Ptr;
  readonly subsystem: number;
  readonly order: number;
  readonly func: Ptr;
  readonly arg: Ptr;
}

/**
 * Virtual network stacks (sys/net/vnet.c): vnet0 and those of jails, each with its copy of the variables that are declared with
 * VNET_DEFINE, and what modules want to be run for each of them.
 */
export class Vnet implements Subsystem {
  private readonly constructors: VnetSysinit[] = [];
  private readonly destructors: VnetSysinit[] = [];
  private readonly list: LinkedList;
  private readonly copies = new Map<Ptr, Ptr>();
  /** vnet0: the stack of everybody who is in no jail with one of its own. */
  vnet0: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {
    this.list = new LinkedList(k.space, k.struct('vnet').offsetOf('vnet_le'));
  }

  readonly exports = {
    vnet_register_sysinit: (at: Ptr) => this.registerSysinit(at),
    vnet_register_sysuninit: (at: Ptr) => insert(this.destructors, this.read(at)),
    vnet_deregister_sysinit: (at: Ptr) => remove(this.constructors, at),
    vnet_deregister_sysuninit: (at: Ptr) => this.deregisterSysuninit(at),
    vnet_alloc: () => this.create(),
    vnet_destroy: (vnet: Ptr) => this.destroy(vnet),
  };

  readonly data = {
    vnet0: () => {},
    vnet_head: () => {},
    vnet_rwlock: (at: Ptr) => this.k.get(RwLocks).init(at, this.k.constantString('vnet_rwlock'), 0),
    vnet_sxlock: (at: Ptr) => this.k.get(SxLocks).init(at, this.k.constantString('vnet_sxlock'), 0),
  };

  boot(): void {
    const { k } = this;
    this.vnet0 = runNow(this.create());
    k.space.storePtr(k.variable('vnet0'), this.vnet0);
    k.struct('prison').set(k.get(Credentials).prison0, 'pr_vnet', this.vnet0);
  }

  /** The current thread's: 0 outside of all. */
  get current(): Ptr {
    return this.k.struct('thread').get(this.k.curthread, 'td_vnet');
  }

  /** Runs a body inside of a stack: CURVNET_SET() and CURVNET_RESTORE(). */
  *within<T>(vnet: Ptr, body: Sleepable<T>): Sleepable<T> {
    const type = this.k.struct('thread');
    const thread = this.k.curthread;
    const saved = type.get(thread, 'td_vnet');
    type.set(thread, 'td_vnet', vnet);
    try {
      return yield* body;
    } finally {
      type.set(thread, 'td_vnet', saved);
    }
  }

  /** That of the running thread's credentials: TD_TO_VNET(curthread). */
  get ofThread(): Ptr {
    const { k } = this;
    const cred = k.struct('thread').get(k.curthread, 'td_ucred');
    return k.struct('prison').get(k.struct('ucred').get(cred, 'cr_prison'), 'pr_vnet');
  }

  /** All that there are. */
  get all(): readonly Ptr[] {
    return [...this.list.elements(this.k.variable('vnet_head'))];
  }

  /** A variable of the kernel's own in a stack: V_name. */
  variable(name: string, vnet: Ptr = this.current || this.vnet0): Ptr {
    const sets = this.k.get(LinkerSets);
    const copy = this.copies.get(vnet);
    if (copy === undefined) throw new Error(`0x${vnet.toString(16)} is no network stack`);
    return sets.vnet.inCopy(copy, sets.variable(`vnet_entry_${name}`));
  }

  private readonly fillers: ((vnet: Ptr) => void)[] = [];

  /** What of a stack the kernel's own parts fill, before modules come to it: of those that there are, and of new ones. */
  eachFromNowOn(fill: (vnet: Ptr) => void): void {
    this.fillers.push(fill);
    for (const vnet of this.all) fill(vnet);
  }

  *create(): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('vnet');
    const { vnet: set } = k.get(LinkerSets);
    const at = k.slab.allocateBytes(type.size, true);
    const copy = set.newCopy();
    this.copies.set(at, copy);
    type.set(at, 'vnet_magic_n', k.macro('VNET_MAGIC_N'));
    type.set(at, 'vnet_data_mem', copy);
    type.setBig(at, 'vnet_data_base', set.baseOf(copy));
    for (const fill of this.fillers) fill(at);
    yield* this.within(at, this.construct(at));
    this.list.insertHead(k.variable('vnet_head'), at);
    return at;
  }

  private *construct(vnet: Ptr): Sleepable<void> {
    for (const entry of [...this.constructors]) {
      this.k.struct('vnet').set(vnet, 'vnet_state', entry.subsystem);
      yield* this.call(entry);
    }
  }

  *destroy(vnet: Ptr): Sleepable<void> {
    const { k } = this;
    k.struct('vnet').set(vnet, 'vnet_shutdown', 1);
    this.list.remove(vnet);
    yield* this.within(vnet, this.destruct(vnet));
    k.get(LinkerSets).vnet.freeCopy(this.copies.get(vnet) ?? 0);
    this.copies.delete(vnet);
    k.slab.free(vnet);
  }

  private *destruct(vnet: Ptr): Sleepable<void> {
    for (const entry of [...this.destructors].reverse()) {
      this.k.struct('vnet').set(vnet, 'vnet_state', entry.subsystem);
      yield* this.call(entry);
    }
  }

  private *call({ func, arg }: VnetSysinit): Sleepable<void> {
    yield* this.k.callAs('v:p', func, arg);
  }

  private read(at: Ptr): VnetSysinit {
    const type = this.k.struct('vnet_sysinit');
    return {
      at,
      subsystem: type.get(at, 'subsystem') >>> 0,
      order: type.get(at, 'order') >>> 0,
      func: type.get(at, 'func'),
      arg: type.get(at, 'arg'),
    };
  }

  private *registerSysinit(at: Ptr): Sleepable<void> {
    const entry = this.read(at);
    insert(this.constructors, entry);
    for (const vnet of this.all) yield* this.within(vnet, this.call(entry));
  }

  /** Stacks that were there are left by what goes. */
  private *deregisterSysuninit(at: Ptr): Sleepable<void> {
    const entry = this.destructors.find((one) => one.at === at);
    if (!entry) return;
    for (const vnet of this.all) yield* this.within(vnet, this.call(entry));
    remove(this.destructors, at);
  }

  *holds(): Generator<Holding> {
    for (const { at, func } of [...this.constructors, ...this.destructors])
      yield { kind: 'vnet sysinit', at, uses: [func], name: () => '' };
  }
}

/** Behind all of the same place. */
function insert(list: VnetSysinit[], entry: VnetSysinit): void {
  const { subsystem, order } = entry;
  const at = list.findIndex(
    (other) => other.subsystem > subsystem || (other.subsystem === subsystem && other.order > order),
  );
  list.splice(at < 0 ? list.length : at, 0, entry);
}

function remove(list: VnetSysinit[], at: Ptr): void {
  const index = list.findIndex((one) => one.at === at);
  if (index >= 0) list.splice(index, 1);
}
