import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { GuestList } from '../../abi/guest-list.js';
import { list } from '../../abi/list.js';
import { ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { lowestFree } from '../../lib/lowest-free.js';
import { Rcu } from '../../locking/rcu.js';
import { RwSemaphores } from '../../locking/rwsem.js';
import type { Subsystem } from '../../subsystem.js';
import { DeviceRegistration } from './dev-register.js';
import { NetNamespaces } from './net-namespace.js';
import { Rtnl } from './rtnl.js';

/** Slots of net->gen that a namespace starts with. */
const GENERIC_SLOTS = 64;

/**
 * Operations per network namespace (net/core/net_namespace.c): modules register them to be told of every
 * namespace, those that exist and those to come, and to get memory in each, which net_generic() finds by id.
 */
export class PernetOperations implements Subsystem {
  private readonly operations: GuestList;
  /** The operations of subsystems end where those of devices begin. */
  private firstDevice: Ptr | undefined;
  private readonly ids = new Set<number>();
  private readonly locks: RwSemaphores;

  constructor(private readonly k: LinuxKernel) {
    this.operations = new GuestList(k, 'pernet_operations', 'list', 'pernet_list', {
      kind: 'network namespace operations',
      uses: ['init', 'exit', 'exit_batch'],
    });
    this.locks = k.get(RwSemaphores);
  }

  readonly exports = {
    register_pernet_subsys: (ops: Ptr) => this.locked(() => this.register(ops, this.firstDevice)),
    unregister_pernet_subsys: (ops: Ptr) => this.locked(() => this.unregister(ops)),
    register_pernet_device: (ops: Ptr) => this.locked(() => this.registerDevice(ops)),
    unregister_pernet_device: (ops: Ptr) => this.locked(() => this.unregisterDevice(ops)),
    net_ns_barrier: () => this.locked(function* () {}),
  };

  readonly data = {
    pernet_ops_rwsem: (sem: Ptr) => this.locks.init(sem),
  };

  boot(): void {
    for (const net of this.k.get(NetNamespaces).all()) this.resize(net, GENERIC_SLOTS);
  }

  /** Zeroed memory in each namespace for a part of the kernel that TypeScript does; its id. */
  reserve(size: number): number {
    const id = this.allocateId();
    for (const net of this.k.get(NetNamespaces).all()) this.assign(net, id, this.k.permanent(size));
    return id;
  }

  /** net_generic(): a namespace's memory of an id. */
  memoryOf(net: Ptr, id: number): Ptr {
    return this.k.space.loadPtr(this.slot(net, id));
  }

  /** Runs a function with pernet_ops_rwsem held for writing. */
  *locked<T>(body: () => Sleepable<T>): Sleepable<T> {
    const sem = this.k.symbol('pernet_ops_rwsem');
    yield* this.locks.downWrite(sem);
    try {
      return yield* body();
    } finally {
      this.locks.upWrite(sem);
    }
  }

  private *registerDevice(ops: Ptr): Sleepable<number> {
    const error = yield* this.register(ops, undefined);
    if (error === 0 && this.firstDevice === undefined) this.firstDevice = ops;
    return error;
  }

  private *unregisterDevice(ops: Ptr): Sleepable<void> {
    if (this.firstDevice === ops) this.firstDevice = this.following(ops);
    yield* this.unregister(ops);
  }

  private *register(ops: Ptr, before: Ptr | undefined): Sleepable<number> {
    const { k } = this;
    const type = k.struct('pernet_operations');
    const idAt = type.get(ops, 'id');
    if (idAt !== 0) k.space.store32(idAt, this.allocateId());
    this.operations.addBefore(ops, before);
    const done: Ptr[] = [];
    for (const net of k.get(NetNamespaces).all()) {
      const error = yield* this.init(ops, net);
      if (error === 0) {
        done.push(net);
        continue;
      }
      this.operations.del(ops);
      yield* this.exit(ops, done);
      this.releaseId(ops);
      return error;
    }
    return 0;
  }

  private *unregister(ops: Ptr): Sleepable<void> {
    this.operations.del(ops);
    yield* this.exit(ops, this.k.get(NetNamespaces).all());
    this.releaseId(ops);
  }

  /** ops_init(): the namespace's memory of these operations, then their init. */
  private *init(ops: Ptr, net: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('pernet_operations');
    const id = this.idOf(ops);
    const size = type.get(ops, 'size');
    let memory: Ptr = 0;
    if (id !== undefined && size !== 0) {
      memory = k.slab.allocateBytes(size, true);
      if (memory === 0) return -ENOMEM;
      this.assign(net, id, memory);
    }
    const error = type.get(ops, 'init') === 0 ? 0 : yield* type.call(ops, 'init', net);
    if (error !== 0 && memory !== 0) this.dropMemory(ops, net);
    return error;
  }

  /** pre_exit, then after a grace period exit of each namespace and exit_batch of all; then the memory. */
  private *exit(ops: Ptr, nets: readonly Ptr[]): Sleepable<void> {
    const { k } = this;
    const type = k.struct('pernet_operations');
    if (type.get(ops, 'pre_exit') !== 0) {
      for (const net of nets) yield* type.call(ops, 'pre_exit', net);
      yield* k.get(Rcu).synchronize();
    }
    const exits = type.get(ops, 'exit') !== 0;
    if (type.has('exit_batch_rtnl')) yield* this.exitBatchRtnl(ops, nets);
    if (exits) for (const net of nets) yield* type.call(ops, 'exit', net);
    if (type.get(ops, 'exit_batch') !== 0)
      yield* this.withExitList(nets, (head) => type.call(ops, 'exit_batch', head));
    yield* k.get(Rcu).barrier();
    for (const net of nets) this.dropMemory(ops, net);
  }

  /** Exit under the RTNL, whose devices-to-kill list is worked off at once. */
  private *exitBatchRtnl(ops: Ptr, nets: readonly Ptr[]): Sleepable<void> {
    const { k } = this;
    const type = k.struct('pernet_operations');
    if (type.get(ops, 'exit_batch_rtnl') === 0) return;
    const kill = k.slab.allocateBytes(16, true);
    list.init(k.space, kill);
    const rtnl = k.get(Rtnl);
    yield* rtnl.lock();
    yield* this.withExitList(nets, (head) => type.call(ops, 'exit_batch_rtnl', head, kill));
    yield* k.get(DeviceRegistration).unregisterMany(kill);
    yield* rtnl.unlock();
    k.slab.free(kill);
  }

  /** The namespaces as a list through net->exit_list, the way exit_batch gets them. */
  private *withExitList(nets: readonly Ptr[], body: (head: Ptr) => Sleepable<unknown>): Sleepable<void> {
    const { k } = this;
    const net = k.struct('net');
    const head = k.slab.allocateBytes(16, true);
    list.init(k.space, head);
    for (const one of nets) list.addTail(k.space, net.addr(one, 'exit_list'), head);
    yield* body(head);
    for (const one of nets) list.init(k.space, net.addr(one, 'exit_list'));
    k.slab.free(head);
  }

  private dropMemory(ops: Ptr, net: Ptr): void {
    const { k } = this;
    const id = this.idOf(ops);
    if (id === undefined || k.struct('pernet_operations').get(ops, 'size') === 0) return;
    const slot = this.slot(net, id);
    const memory = k.space.loadPtr(slot);
    if (memory === 0) return;
    k.space.storePtr(slot, 0);
    k.slab.free(memory);
  }

  private following(ops: Ptr): Ptr | undefined {
    const all = [...this.operations];
    return all[all.indexOf(ops) + 1];
  }

  private idOf(ops: Ptr): number | undefined {
    const at = this.k.struct('pernet_operations').get(ops, 'id');
    return at === 0 ? undefined : this.k.space.load32(at);
  }

  /** Ids start behind the words that net_generic's own header takes. */
  private allocateId(): number {
    const id = lowestFree(this.ids, Math.ceil(this.k.sizeOf('net_generic') / 8));
    this.ids.add(id);
    return id;
  }

  private releaseId(ops: Ptr): void {
    const id = this.idOf(ops);
    if (id !== undefined) this.ids.delete(id);
  }

  private assign(net: Ptr, id: number, memory: Ptr): void {
    const { k } = this;
    const generic = k.struct('net').get(net, 'gen');
    const slots = k.space.load32(generic);
    if (id >= slots) this.resize(net, slots * 2);
    k.space.storePtr(this.slot(net, id), memory);
  }

  private slot(net: Ptr, id: number): Ptr {
    return this.k.struct('net').get(net, 'gen') + id * 8;
  }

  private resize(net: Ptr, slots: number): void {
    const { k } = this;
    const old = k.struct('net').get(net, 'gen');
    const generic = k.permanent(slots * 8);
    if (old !== 0) k.space.bytes.copyWithin(generic, old, old + k.space.load32(old) * 8);
    k.space.store32(generic, slots);
    k.struct('net').set(net, 'gen', generic);
  }
}
