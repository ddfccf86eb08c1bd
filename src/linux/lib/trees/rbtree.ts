import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { finish, type OnRotate, RbTree } from './rb-tree.js';

/** The exported half of the red-black tree interface (Documentation/core-api/rbtree.rst). */
export class RbTrees implements Subsystem {
  readonly tree: RbTree;

  constructor(private readonly k: LinuxKernel) {
    this.tree = new RbTree(k.space, k.struct('rb_node'), k.struct('rb_root'));
  }

  readonly exports = {
    rb_insert_color: (node: Ptr, root: Ptr) => finish(this.tree.insertColor(node, root)),
    rb_erase: (node: Ptr, root: Ptr) => finish(this.tree.erase(node, root)),
    __rb_insert_augmented: (node: Ptr, root: Ptr, rotate: Ptr) =>
      this.tree.insertColor(node, root, this.calling(rotate)),
    __rb_erase_color: (parent: Ptr, root: Ptr, rotate: Ptr) =>
      this.tree.eraseColor(parent, root, this.calling(rotate)),
    rb_next: (node: Ptr) => this.tree.next(node),
    rb_prev: (node: Ptr) => this.tree.previous(node),
    rb_first: (root: Ptr) => this.tree.first(root),
    rb_last: (root: Ptr) => this.tree.last(root),
    rb_first_postorder: (root: Ptr) => this.tree.firstPostorder(root),
    rb_next_postorder: (node: Ptr) => this.tree.nextPostorder(node),
    rb_replace_node: (victim: Ptr, fresh: Ptr, root: Ptr) => this.tree.replace(victim, fresh, root),
    rb_replace_node_rcu: (victim: Ptr, fresh: Ptr, root: Ptr) => this.tree.replace(victim, fresh, root),
  };

  private calling(rotate: Ptr): OnRotate {
    const { k } = this;
    return function* (old, fresh) {
      yield* k.callAs('v:pp', rotate, old, fresh);
    };
  }
}
