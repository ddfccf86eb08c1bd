import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { Unimplemented } from '../../../kernel/errors.js';
import { list } from '../../abi/list.js';
import { ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { Rhashtable } from '../../lib/rhashtable/rhashtable.js';
import { Rcu } from '../../locking/rcu.js';
import { SlabExports } from '../../mm/slab.js';
import { Completions } from '../../sched/completion.js';
import { Workqueues } from '../../sched/workqueue.js';
import type { Subsystem } from '../../subsystem.js';

/**
 * Reassembly of fragments (net/ipv4/inet_fragment.c): kinds of queues, each with a cache, and a namespace's
 * table of queues of a kind, which is torn down in the background.
 */
export class FragmentQueues implements Subsystem {
  private queue: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    inet_frags_init: (frags: Ptr) => this.init(frags),
    inet_frags_fini: (frags: Ptr) => this.fini(frags),
    fqdir_init: (slot: Ptr, frags: Ptr, net: Ptr) => this.initDirectory(slot, frags, net),
    fqdir_pre_exit: (directory: Ptr) => this.closeDirectory(directory),
    fqdir_exit: (directory: Ptr) => this.exitDirectory(directory),
  };

  boot(): void {
    this.queue = this.k.get(Workqueues).create('inet_frag_wq');
  }

  private init(frags: Ptr): number {
    const { k } = this;
    const type = k.struct('inet_frags');
    const create = k.get(SlabExports).exports.kmem_cache_create;
    const cache = create(type.get(frags, 'frags_cache_name'), type.get(frags, 'qsize'), 0, 0, 0);
    type.set(frags, 'frags_cachep', cache);
    if (cache === 0) return -ENOMEM;
    type.set(frags, 'refcnt.refs.counter', 1);
    const completion = type.addr(frags, 'completion');
    k.struct('completion').set(completion, 'done', 0);
    k.get(Completions).initQueue(k.struct('completion').addr(completion, 'wait'));
    return 0;
  }

  /** Waits until the tables of every namespace are gone. */
  private *fini(frags: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('inet_frags');
    const completion = type.addr(frags, 'completion');
    this.put(frags);
    yield* k.wait(k.get(Completions).exports.wait_for_completion(completion));
    k.get(SlabExports).destroyCache(type.get(frags, 'frags_cachep'));
    type.set(frags, 'frags_cachep', 0);
  }

  private initDirectory(slot: Ptr, frags: Ptr, net: Ptr): number {
    const { k } = this;
    const type = k.struct('fqdir');
    const directory = k.slab.allocateBytes(type.size, true);
    if (directory === 0) return -ENOMEM;
    type.set(directory, 'f', frags);
    type.set(directory, 'net', net);
    const params = k.struct('inet_frags').addr(frags, 'rhash_params');
    const error = k.get(Rhashtable).init(type.addr(directory, 'rhashtable'), params);
    if (error < 0) {
      k.slab.free(directory);
      return error;
    }
    const counter = k.struct('inet_frags').addr(frags, 'refcnt');
    k.space.store32(counter, k.space.load32(counter) + 1);
    k.space.storePtr(slot, directory);
    return 0;
  }

  /** fqdir_pre_exit(): no queue is made any more in a namespace that goes away. */
  private closeDirectory(directory: Ptr): void {
    const type = this.k.struct('fqdir');
    type.set(directory, 'high_thresh', 0);
    type.set(directory, 'dead', 1);
    if (type.get(directory, 'rhashtable.nelems.counter') !== 0)
      throw new Unimplemented('fqdir_pre_exit with fragments waiting', '');
  }

  private exitDirectory(directory: Ptr): void {
    const { k } = this;
    const work = k.struct('fqdir').addr(directory, 'destroy_work');
    const type = k.struct('work_struct');
    k.space.writable(work, type.size).fill(0);
    list.init(k.space, type.addr(work, 'entry'));
    type.bind(work, 'func', 'fqdir_work_fn', (item: Ptr) =>
      this.tearDown(k.struct('fqdir').of(item, 'destroy_work')),
    );
    k.get(Workqueues).queueWork(this.queue, work);
  }

  private *tearDown(directory: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('fqdir');
    const frags = type.get(directory, 'f');
    const free = k.exports.hostFunction('inet_frags_free_cb', 'v:pp', (queue: Ptr) =>
      this.drop(frags, queue),
    );
    const { exports: tables } = k.get(Rhashtable);
    yield* k.wait(tables.rhashtable_free_and_destroy(type.addr(directory, 'rhashtable'), free, directory));
    yield* k.get(Rcu).barrier();
    this.put(frags);
    k.slab.free(directory);
  }

  /** A queue that was still waiting for fragments when its namespace went. */
  private *drop(frags: Ptr, queue: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('inet_frags');
    if (type.get(frags, 'destructor') !== 0) yield* type.call(frags, 'destructor', queue);
    k.slab.free(queue);
  }

  private put(frags: Ptr): void {
    const { k } = this;
    const type = k.struct('inet_frags');
    const left = type.get(frags, 'refcnt.refs.counter') - 1;
    type.set(frags, 'refcnt.refs.counter', left);
    if (left === 0) k.get(Completions).complete(type.addr(frags, 'completion'));
  }
}
