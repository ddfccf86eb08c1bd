import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { list } from '../abi/list.js';
import type { StructType } from '../abi/struct.js';
import { ENOMEM } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/**
 * Lists of objects in the order of their last use (mm/list_lru.c). There is one node, and no object is charged to a memory
 * control group, so every list_lru has one list.
 */
export class ListLrus implements Subsystem {
  private readonly lru: StructType;
  private readonly node: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.lru = k.struct('list_lru');
    this.node = k.struct('list_lru_node');
  }

  readonly exports = {
    __list_lru_init: (lru: Ptr, memcgAware: boolean) => this.init(lru, memcgAware),
    list_lru_destroy: (lru: Ptr) => this.destroy(lru),
    list_lru_add: (lru: Ptr, item: Ptr) => this.add(lru, item),
    list_lru_add_obj: (lru: Ptr, item: Ptr) => this.add(lru, item),
    list_lru_del: (lru: Ptr, item: Ptr) => this.remove(lru, item),
    list_lru_del_obj: (lru: Ptr, item: Ptr) => this.remove(lru, item),
    list_lru_count_one: (lru: Ptr, _node: number, _memcg: Ptr) => this.count(lru),
    list_lru_count_node: (lru: Ptr, _node: number) => this.count(lru),
    list_lru_isolate: (one: Ptr, item: Ptr) => {
      list.delInit(this.k.space, item);
      this.adjustOne(one, -1);
    },
    list_lru_isolate_move: (one: Ptr, item: Ptr, head: Ptr) => {
      list.delInit(this.k.space, item);
      list.addTail(this.k.space, item, head);
      this.adjustOne(one, -1);
    },
    list_lru_walk_one: (lru: Ptr, _node: number, _memcg: Ptr, isolate: Ptr, data: Ptr, left: Ptr) =>
      this.walk(lru, isolate, data, left),
    list_lru_walk_node: (lru: Ptr, _node: number, isolate: Ptr, data: Ptr, left: Ptr) =>
      this.walk(lru, isolate, data, left),
  };

  private init(lru: Ptr, memcgAware: boolean): number {
    const { k, lru: type, node } = this;
    const at = k.slab.allocateBytes(node.size, true);
    if (at === 0) return -ENOMEM;
    type.set(lru, 'node', at);
    list.init(k.space, node.addr(at, 'lru.list'));
    if (type.has('shrinker_id')) type.set(lru, 'shrinker_id', -1);
    if (type.has('memcg_aware')) type.set(lru, 'memcg_aware', memcgAware ? 1 : 0);
    if (type.has('list')) list.init(k.space, type.addr(lru, 'list'));
    return 0;
  }

  /** Frees the lists of an initialised list_lru; others are left alone. */
  private destroy(lru: Ptr): void {
    const at = this.lru.get(lru, 'node');
    if (at === 0) return;
    this.k.slab.free(at);
    this.lru.set(lru, 'node', 0);
  }

  private add(lru: Ptr, item: Ptr): boolean {
    const { space } = this.k;
    if (!list.isEmpty(space, item)) return false;
    const at = this.lru.get(lru, 'node');
    list.addTail(space, item, this.node.addr(at, 'lru.list'));
    this.adjust(at, 1);
    return true;
  }

  private remove(lru: Ptr, item: Ptr): boolean {
    const { space } = this.k;
    if (list.isEmpty(space, item)) return false;
    list.delInit(space, item);
    this.adjust(this.lru.get(lru, 'node'), -1);
    return true;
  }

  private count(lru: Ptr): number {
    return this.node.get(this.lru.get(lru, 'node'), 'lru.nr_items');
  }

  private adjust(at: Ptr, by: number): void {
    this.adjustOne(this.node.addr(at, 'lru'), by);
    this.adjustNode(at, by);
  }

  private adjustNode(at: Ptr, by: number): void {
    if (this.node.has('nr_items')) this.node.set(at, 'nr_items', this.node.get(at, 'nr_items') + by);
  }

  private adjustOne(one: Ptr, by: number): void {
    const type = this.k.struct('list_lru_one');
    type.set(one, 'nr_items', type.get(one, 'nr_items') + by);
  }

  /**
   * Offers items, oldest first, to a callback until `*left` were offered. Its answer (enum lru_status) says what became
   * of the item. The number of items that went.
   */
  private *walk(lru: Ptr, isolate: Ptr, data: Ptr, left: Ptr): Sleepable<number> {
    const { k } = this;
    const at = this.lru.get(lru, 'node');
    const head = this.node.addr(at, 'lru.list');
    const one = this.node.addr(at, 'lru');
    const lock = this.node.has('lock') ? this.node.addr(at, 'lock') : one;
    let removed = 0;
    let item = list.first(k.space, head);
    while (item !== head && k.space.load64(left) !== 0n) {
      const next = k.space.loadPtr(item);
      k.space.store64(left, k.space.load64(left) - 1n);
      const status = yield* k.callAs('list_lru_walk_cb', isolate, item, one, lock, data);
      const gone = status === k.enumValue('LRU_REMOVED') || status === k.enumValue('LRU_REMOVED_RETRY');
      if (gone) {
        removed++;
        this.adjustNode(at, -1);
      }
      if (status === k.enumValue('LRU_ROTATE')) {
        list.delInit(k.space, item);
        list.addTail(k.space, item, head);
      }
      // The lock was dropped: the list may be another.
      const restart = status === k.enumValue('LRU_REMOVED_RETRY') || status === k.enumValue('LRU_RETRY');
      item = restart ? list.first(k.space, head) : next;
    }
    return removed;
  }
}
