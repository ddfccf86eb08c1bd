import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import { counting, PREEMPT_OFFSET } from '../../abi/preempt-count.js';
import { WorkData } from '../../abi/work-data.js';
import { E2BIG, EINVAL, ENOMEM } from '../../errno.js';
import { errPtr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { callExport } from '../misc/refcount.js';
import { BucketTables } from './table.js';

const DEFAULT_SIZE = 64;
const MIN_SIZE = 4;
const MAX_ELEMENTS = 2 ** 31;
/** "Any CPU" of queue_work_on(): the number of CPUs the kernel is built for. */
const CPU_UNBOUND = 8192;

/**
 * Hash tables that resize (include/linux/rhashtable.h). Lookups and most insertions are inlined in modules and
 * work on the buckets; here is what they call for the rest. Tables grow and shrink in one step, from the work
 * item that the inlined code schedules.
 */
export class Rhashtable implements Subsystem {
  private tablesOnce: BucketTables | undefined;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    rhashtable_init: (ht: Ptr, params: Ptr) => this.init(ht, params),
    rhltable_init: (hlt: Ptr, params: Ptr) => this.initList(hlt, params),
    rhashtable_insert_slow: (ht: Ptr, key: Ptr, node: Ptr) => this.locked(this.insert(ht, key, node)),
    rhashtable_free_and_destroy: (ht: Ptr, free: Ptr, argument: Ptr) => this.destroy(ht, free, argument),
    rhashtable_destroy: (ht: Ptr) => this.destroy(ht, 0, 0),
  };

  get tables(): BucketTables {
    this.tablesOnce ??= new BucketTables(this.k);
    return this.tablesOnce;
  }

  init(ht: Ptr, params: Ptr): number {
    const { k } = this;
    const { hashtable } = this.tables;
    const given = k.struct('rhashtable_params');
    const keyBytes = given.get(params, 'key_len');
    const objectHash = given.get(params, 'obj_hashfn');
    if (keyBytes === 0 && objectHash === 0) return -EINVAL;
    if (objectHash !== 0 && given.get(params, 'obj_cmpfn') === 0) return -EINVAL;
    const minSize = Math.max(powerUp(given.get(params, 'min_size')), MIN_SIZE);
    const maxSize = powerDown(given.get(params, 'max_size'));
    const hint = given.get(params, 'nelem_hint');
    const copy = k.space.readable(params, given.size).slice();
    k.space.writable(ht, hashtable.size).fill(0);
    k.space.writable(hashtable.addr(ht, 'p'), given.size).set(copy);
    hashtable.set(ht, 'p.min_size', minSize);
    hashtable.set(ht, 'p.max_size', maxSize);
    hashtable.set(ht, 'max_elems', maxSize > 0 && maxSize < MAX_ELEMENTS / 2 ? maxSize * 2 : MAX_ELEMENTS);
    hashtable.set(ht, 'key_len', keyBytes);
    if (given.get(params, 'hashfn') === 0) {
      const { fn, keyLength } = this.tables.defaultHash(keyBytes);
      hashtable.set(ht, 'p.hashfn', fn);
      hashtable.set(ht, 'key_len', keyLength);
    }
    const size =
      hint > 0 ? Math.max(powerUp(Math.floor((hint * 4) / 3)), minSize) : Math.max(DEFAULT_SIZE, minSize);
    const table = this.tables.allocate(size);
    if (table === 0) return -ENOMEM;
    hashtable.set(ht, 'tbl', table);
    this.initWork(hashtable.addr(ht, 'run_work'));
    const initMutex = k.configured('CONFIG_PREEMPT_RT') ? '__mutex_rt_init' : '__mutex_init';
    k.exports.functionAt(k.fn(initMutex))?.(...([hashtable.addr(ht, 'mutex')] as never[]));
    return 0;
  }

  private initList(hlt: Ptr, params: Ptr): number {
    const error = this.init(hlt, params);
    this.tables.hashtable.set(hlt, 'rhlist', 1);
    return error;
  }

  private initWork(work: Ptr): void {
    const type = this.k.struct('work_struct');
    type.setBig(work, 'data.counter', new WorkData(this.k).idle);
    list.init(this.k.space, type.addr(work, 'entry'));
    type.bind(work, 'func', 'rht_deferred_worker', (item: Ptr) =>
      this.resize(this.tables.hashtable.of(item, 'run_work')),
    );
  }

  /** NULL once inserted, the object that has the key already, or an error pointer. */
  private *insert(ht: Ptr, key: Ptr, node: Ptr): Sleepable<Ptr> {
    const { tables } = this;
    const { hashtable } = tables;
    const object = tables.object(ht, node);
    const table = tables.current(ht);
    const hash =
      key === 0 ? yield* tables.hashObject(ht, table, object) : yield* tables.hashKey(ht, table, key);
    const bucket = tables.bucket(table, hash);
    let previous: Ptr = 0;
    if (key !== 0)
      for (const other of tables.nodes(bucket)) {
        if (yield* tables.matches(ht, key, tables.object(ht, other))) {
          if (hashtable.get(ht, 'rhlist') === 0) return tables.object(ht, other);
          this.addDuplicate(bucket, previous, other, node);
          this.count(ht, 1);
          return 0;
        }
        previous = other;
      }
    if (hashtable.get(ht, 'nelems.counter') >= hashtable.get(ht, 'max_elems')) return errPtr(E2BIG);
    if (hashtable.get(ht, 'rhlist') !== 0) this.k.struct('rhlist_head').set(node, 'next', 0);
    tables.push(bucket, node);
    this.count(ht, 1);
    if (hashtable.get(ht, 'nelems.counter') > (tables.size(table) / 4) * 3) yield* this.schedule(ht);
    return 0;
  }

  /** rhltable: a node with the same key takes the other's place in the chain and leads to it. */
  private addDuplicate(bucket: Ptr, previous: Ptr, other: Ptr, node: Ptr): void {
    const { tables } = this;
    this.k.struct('rhlist_head').set(node, 'next', other);
    tables.setNext(node, bucket, tables.next(other));
    if (previous === 0) tables.setFirst(bucket, node);
    else tables.setNext(previous, bucket, node);
  }

  private count(ht: Ptr, by: number): void {
    const { hashtable } = this.tables;
    hashtable.set(ht, 'nelems.counter', hashtable.get(ht, 'nelems.counter') + by);
  }

  private *schedule(ht: Ptr): Sleepable<void> {
    const { k } = this;
    const work = this.tables.hashtable.addr(ht, 'run_work');
    yield* callExport(k, 'queue_work_on', CPU_UNBOUND, k.space.loadPtr(k.symbol('system_wq')), work);
  }

  private *resize(ht: Ptr): Sleepable<void> {
    const { tables } = this;
    for (;;) {
      const size = tables.size(tables.current(ht));
      const better = this.betterSize(ht, size);
      if (better === size) return;
      const fresh = tables.allocate(better);
      if (fresh === 0) return;
      yield* this.locked(this.moveTo(ht, fresh));
    }
  }

  /** A bucket's lock is one bit, and nobody is preempted who holds it. */
  private locked<T>(body: Sleepable<T>): Sleepable<T> {
    return counting(this.k, PREEMPT_OFFSET, body);
  }

  /** Who has found the old table follows `future_tbl`; it is freed when nobody can have it any more. */
  private *moveTo(ht: Ptr, fresh: Ptr): Sleepable<void> {
    const { tables, k } = this;
    const old = tables.current(ht);
    const moved: { readonly node: Ptr; readonly hash: number }[] = [];
    for (let slot = 0; slot < tables.size(old); slot++)
      for (const node of tables.nodes(tables.bucket(old, slot)))
        moved.push({ node, hash: yield* tables.hashObject(ht, fresh, tables.object(ht, node)) });
    for (const { node, hash } of moved.reverse()) tables.push(tables.bucket(fresh, hash), node);
    tables.table.set(old, 'future_tbl', fresh);
    tables.hashtable.set(ht, 'tbl', fresh);
    const walker = k.struct('rhashtable_walker');
    for (const entry of list.entries(k.space, tables.table.addr(old, 'walkers'))) {
      walker.set(walker.of(entry, 'list'), 'tbl', 0);
      list.init(k.space, entry);
    }
    yield* callExport(k, 'kvfree_call_rcu', tables.table.addr(old, 'rcu'), old);
  }

  private betterSize(ht: Ptr, size: number): number {
    const { hashtable } = this.tables;
    const count = hashtable.get(ht, 'nelems.counter');
    const max = hashtable.get(ht, 'p.max_size');
    const min = hashtable.get(ht, 'p.min_size');
    if (count > (size / 4) * 3 && (max === 0 || size < max)) return size * 2;
    const isSparse = hashtable.get(ht, 'p.automatic_shrinking') !== 0 && count < (size * 3) / 10;
    return isSparse && size > min ? Math.max(powerUp(Math.floor((count * 3) / 2)), min) : size;
  }

  private *destroy(ht: Ptr, free: Ptr, argument: Ptr): Sleepable<void> {
    const { tables, k } = this;
    const { hashtable } = tables;
    yield* callExport(k, 'cancel_work_sync', hashtable.addr(ht, 'run_work'));
    const table = tables.current(ht);
    if (free !== 0) {
      const isList = hashtable.get(ht, 'rhlist') !== 0;
      for (let slot = 0; slot < tables.size(table); slot++)
        for (const node of tables.nodes(tables.bucket(table, slot))) {
          for (let at = node; at !== 0; ) {
            const next = isList ? k.struct('rhlist_head').get(at, 'next') : 0;
            yield* k.callAs('v:pp', free, tables.object(ht, at), argument);
            at = next;
          }
        }
    }
    k.slab.free(table);
  }
}

function powerUp(value: number): number {
  return value === 0 ? 0 : 2 ** Math.ceil(Math.log2(value));
}

function powerDown(value: number): number {
  return value === 0 ? 0 : 2 ** Math.floor(Math.log2(value));
}
