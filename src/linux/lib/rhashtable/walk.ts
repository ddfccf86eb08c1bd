import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import type { StructType } from '../../abi/struct.js';
import { EAGAIN } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { callExport } from '../misc/refcount.js';
import { Rhashtable } from './rhashtable.js';
import type { BucketTables } from './table.js';

/** Walks over a whole rhashtable. One that was resized meanwhile starts over: -EAGAIN says so. */
export class RhashtableWalk implements Subsystem {
  private readonly type: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.type = k.struct('rhashtable_iter');
  }

  readonly exports = {
    rhashtable_walk_enter: (ht: Ptr, iter: Ptr) => {
      const { type, k } = this;
      k.space.writable(iter, type.size).fill(0);
      type.set(iter, 'ht', ht);
      type.set(iter, 'walker.tbl', this.tables.current(ht));
      this.attach(iter);
    },
    rhashtable_walk_exit: (iter: Ptr) => {
      if (this.type.get(iter, 'walker.tbl') !== 0) this.detach(iter);
    },
    rhashtable_walk_start_check: (iter: Ptr) => this.start(iter),
    rhashtable_walk_stop: (iter: Ptr) => this.stop(iter),
    rhashtable_walk_next: (iter: Ptr) => this.next(iter),
    rhashtable_walk_peek: (iter: Ptr) => {
      const node = this.type.get(iter, 'p');
      if (node === 0) return this.find(iter);
      const entry = this.type.get(iter, 'list') || node;
      return this.tables.object(this.type.get(iter, 'ht'), entry);
    },
  };

  private get tables(): BucketTables {
    return this.k.get(Rhashtable).tables;
  }

  private attach(iter: Ptr): void {
    const table = this.type.get(iter, 'walker.tbl');
    list.add(this.k.space, this.type.addr(iter, 'walker.list'), this.tables.table.addr(table, 'walkers'));
  }

  private detach(iter: Ptr): void {
    list.delInit(this.k.space, this.type.addr(iter, 'walker.list'));
  }

  private *start(iter: Ptr): Sleepable<number> {
    const { type } = this;
    yield* callExport(this.k, '__rcu_read_lock');
    if (type.get(iter, 'walker.tbl') !== 0) this.detach(iter);
    if (type.get(iter, 'end_of_table') !== 0) return 0;
    if (type.get(iter, 'walker.tbl') === 0) {
      type.set(iter, 'walker.tbl', this.tables.current(type.get(iter, 'ht')));
      for (const member of ['slot', 'skip', 'p', 'list']) type.set(iter, member, 0);
      return -EAGAIN;
    }
    this.resume(iter);
    return 0;
  }

  /** Finds the place again: the node last given may be gone, then its number in the chain counts. */
  private resume(iter: Ptr): void {
    const { type, tables } = this;
    const node = type.get(iter, 'p');
    if (node === 0) return;
    let skip = 0;
    for (const other of tables.nodes(tables.bucket(type.get(iter, 'walker.tbl'), type.get(iter, 'slot')))) {
      skip++;
      if (other === node) {
        type.set(iter, 'skip', skip);
        return;
      }
    }
    type.set(iter, 'p', 0);
    type.set(iter, 'skip', Math.max(type.get(iter, 'skip') - 1, 0));
  }

  private *stop(iter: Ptr): Sleepable<void> {
    if (this.type.get(iter, 'walker.tbl') !== 0) this.attach(iter);
    yield* callExport(this.k, '__rcu_read_unlock');
  }

  private next(iter: Ptr): Ptr {
    const { type, tables } = this;
    const ht = type.get(iter, 'ht');
    const node = type.get(iter, 'p');
    if (node === 0) return this.find(iter);
    const isList = tables.hashtable.get(ht, 'rhlist') !== 0;
    const sibling = isList ? this.k.struct('rhlist_head').get(type.get(iter, 'list'), 'next') : 0;
    if (sibling !== 0) return this.give(iter, ht, node, sibling);
    const following = tables.next(node);
    if (following !== 0) return this.give(iter, ht, following, following);
    type.set(iter, 'skip', 0);
    type.set(iter, 'slot', type.get(iter, 'slot') + 1);
    return this.find(iter);
  }

  private find(iter: Ptr): Ptr {
    const { type, tables } = this;
    const table = type.get(iter, 'walker.tbl');
    if (table === 0) return 0;
    for (let slot = type.get(iter, 'slot'); slot < tables.size(table); slot++) {
      let skip = type.get(iter, 'skip');
      type.set(iter, 'slot', slot);
      for (const node of tables.nodes(tables.bucket(table, slot)))
        if (skip-- === 0) return this.give(iter, type.get(iter, 'ht'), node, node);
      type.set(iter, 'skip', 0);
    }
    type.set(iter, 'p', 0);
    type.set(iter, 'slot', 0);
    type.set(iter, 'end_of_table', 1);
    return 0;
  }

  private give(iter: Ptr, ht: Ptr, node: Ptr, entry: Ptr): Ptr {
    this.type.set(iter, 'skip', this.type.get(iter, 'skip') + 1);
    this.type.set(iter, 'p', node);
    this.type.set(iter, 'list', entry);
    return this.tables.object(ht, entry);
  }
}
