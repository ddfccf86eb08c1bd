import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { finish, type Propagate } from './rb-tree.js';
import { RbTrees } from './rbtree.js';

/** Intervals of unsigned long in an augmented tree (include/linux/interval_tree.h). */
export class IntervalTree implements Subsystem {
  private readonly type: StructType;
  private readonly rootCached: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.type = k.struct('interval_tree_node');
    this.rootCached = k.struct('rb_root_cached');
  }

  readonly exports = {
    interval_tree_insert: (node: Ptr, root: Ptr) => this.insert(node, root),
    interval_tree_remove: (node: Ptr, root: Ptr) => this.remove(node, root),
    interval_tree_iter_first: (root: Ptr, start: bigint, last: bigint) => {
      const top = this.tree.top(this.rootCached.addr(root, 'rb_root'));
      return this.search(top, start, last);
    },
    interval_tree_iter_next: (node: Ptr, start: bigint, last: bigint) => {
      for (let at = this.tree.next(this.rb(node)); at !== 0; at = this.tree.next(at)) {
        if (this.start(at) > last) return 0;
        if (this.last(at) >= start) return this.type.of(at, 'rb');
      }
      return 0;
    },
  };

  readonly signatures = {
    interval_tree_iter_first: 'p:pQQ',
    interval_tree_iter_next: 'p:pQQ',
  };

  private get tree() {
    return this.k.get(RbTrees).tree;
  }

  private rb(node: Ptr): Ptr {
    return this.type.addr(node, 'rb');
  }

  private start(rb: Ptr): bigint {
    return this.type.getBig(this.type.of(rb, 'rb'), 'start');
  }

  private last(rb: Ptr): bigint {
    return this.type.getBig(this.type.of(rb, 'rb'), 'last');
  }

  /** The largest end in a subtree. */
  private reach(rb: Ptr): bigint {
    return rb === 0 ? -1n : this.type.getBig(this.type.of(rb, 'rb'), '__subtree_last');
  }

  private setReach(rb: Ptr, value: bigint): void {
    this.type.setBig(this.type.of(rb, 'rb'), '__subtree_last', value);
  }

  private computeReach(rb: Ptr): bigint {
    let most = this.last(rb);
    for (const child of [this.tree.left(rb), this.tree.right(rb)]) {
      const reach = this.reach(child);
      if (reach > most) most = reach;
    }
    return most;
  }

  private readonly rotated = (old: Ptr, fresh: Ptr): void => {
    this.setReach(fresh, this.reach(old));
    this.setReach(old, this.computeReach(old));
  };

  private readonly propagate: Propagate = {
    copied: (old, fresh) => this.setReach(fresh, this.reach(old)),
    changed: (node) => {
      for (let at = node; at !== 0; at = this.tree.parent(at)) this.setReach(at, this.computeReach(at));
    },
  };

  private insert(node: Ptr, root: Ptr): void {
    const { tree } = this;
    const fresh = this.rb(node);
    const start = this.start(fresh);
    const last = this.last(fresh);
    const plainRoot = this.rootCached.addr(root, 'rb_root');
    let parent: Ptr = 0;
    let slot = tree.rootSlot(plainRoot);
    let isLeftmost = true;
    for (let at = tree.top(plainRoot); at !== 0; at = this.k.space.loadPtr(slot)) {
      parent = at;
      if (this.reach(at) < last) this.setReach(at, last);
      const isLeft = start < this.start(at);
      if (!isLeft) isLeftmost = false;
      slot = tree.slot(at, isLeft);
    }
    this.setReach(fresh, last);
    tree.link(fresh, parent, slot);
    if (isLeftmost) this.rootCached.set(root, 'rb_leftmost', fresh);
    finish(tree.insertColor(fresh, plainRoot, this.onRotate));
  }

  private remove(node: Ptr, root: Ptr): void {
    const { tree } = this;
    const gone = this.rb(node);
    const plainRoot = this.rootCached.addr(root, 'rb_root');
    if (this.rootCached.get(root, 'rb_leftmost') === gone)
      this.rootCached.set(root, 'rb_leftmost', tree.next(gone));
    const unbalanced = tree.unlink(gone, plainRoot, this.propagate);
    if (unbalanced !== 0) finish(tree.eraseColor(unbalanced, plainRoot, this.onRotate));
  }

  // biome-ignore lint/correctness/useYield: the tree expects a generator, for callbacks in guest code
  private readonly onRotate = function* (
    this: IntervalTree,
    old: Ptr,
    fresh: Ptr,
  ): Generator<never, void, undefined> {
    this.rotated(old, fresh);
  }.bind(this);

  /** The leftmost interval of a subtree that overlaps [start, last]. */
  private search(top: Ptr, start: bigint, last: bigint): Ptr {
    let at = top;
    if (this.reach(at) < start) return 0;
    while (at !== 0) {
      const left = this.tree.left(at);
      if (this.reach(left) >= start) {
        at = left;
        continue;
      }
      if (this.start(at) > last) return 0;
      if (this.last(at) >= start) return this.type.of(at, 'rb');
      const right = this.tree.right(at);
      if (this.reach(right) < start) return 0;
      at = right;
    }
    return 0;
  }
}
