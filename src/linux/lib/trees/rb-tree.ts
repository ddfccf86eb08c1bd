import type { AddressSpace } from '../../../cpu/address-space.js';
import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { StructView } from '../vsprintf/context.js';

/** Colours, as bit 0 of a node's parent word holds them (include/linux/rbtree_augmented.h). */
export const RED = 0;
export const BLACK = 1;

/**
 * Told of a rotation: `fresh` takes `old`'s place above it, so `fresh` takes over the augmented value of
 * `old`, and that of `old` has to be computed again.
 */
export type OnRotate = (old: Ptr, fresh: Ptr) => Sleepable<void>;

/**
 * Red-black trees of struct rb_node in guest memory (Documentation/core-api/rbtree.rst; Cormen et al.,
 * "Introduction to Algorithms", chapter 13). Nodes are linked and coloured just as inlined code expects.
 */
export class RbTree {
  private readonly parentWord: number;
  private readonly leftLink: number;
  private readonly rightLink: number;
  private readonly rootLink: number;

  constructor(
    private readonly space: AddressSpace,
    node: StructView,
    root: StructView,
  ) {
    this.parentWord = node.offsetOf('__rb_parent_color');
    this.leftLink = node.offsetOf('rb_left');
    this.rightLink = node.offsetOf('rb_right');
    this.rootLink = root.offsetOf('rb_node');
  }

  top(root: Ptr): Ptr {
    return this.space.loadPtr(root + this.rootLink);
  }

  left(node: Ptr): Ptr {
    return this.space.loadPtr(node + this.leftLink);
  }

  right(node: Ptr): Ptr {
    return this.space.loadPtr(node + this.rightLink);
  }

  setLeft(node: Ptr, child: Ptr): void {
    this.space.storePtr(node + this.leftLink, child);
  }

  setRight(node: Ptr, child: Ptr): void {
    this.space.storePtr(node + this.rightLink, child);
  }

  parent(node: Ptr): Ptr {
    const word = this.space.loadPtr(node + this.parentWord);
    return word - (word % 4);
  }

  color(node: Ptr): number {
    return this.space.load8(node + this.parentWord) & 1;
  }

  setParentColor(node: Ptr, parent: Ptr, color: number): void {
    this.space.storePtr(node + this.parentWord, parent + color);
  }

  setParent(node: Ptr, parent: Ptr): void {
    this.setParentColor(node, parent, this.color(node));
  }

  setColor(node: Ptr, color: number): void {
    const at = node + this.parentWord;
    this.space.store8(at, (this.space.load8(at) & ~1) | color);
  }

  /** RB_EMPTY_NODE: a node that RB_CLEAR_NODE marked as being in no tree. */
  isEmptyNode(node: Ptr): boolean {
    return this.space.loadPtr(node + this.parentWord) === node;
  }

  /** rb_link_node: a red leaf below `parent`, where `link` (a child slot or the root's) points. */
  link(node: Ptr, parent: Ptr, link: Ptr): void {
    this.setParentColor(node, parent, RED);
    this.setLeft(node, 0);
    this.setRight(node, 0);
    this.space.storePtr(link, node);
  }

  /** Address of a node's child slot, or of the root's. */
  slot(node: Ptr, isLeft: boolean): Ptr {
    return node + (isLeft ? this.leftLink : this.rightLink);
  }

  rootSlot(root: Ptr): Ptr {
    return root + this.rootLink;
  }

  first(root: Ptr): Ptr {
    return this.leftmost(this.top(root));
  }

  last(root: Ptr): Ptr {
    let node = this.top(root);
    for (let next = node; next !== 0; next = this.right(next)) node = next;
    return node;
  }

  leftmost(from: Ptr): Ptr {
    let node = from;
    for (let next = node; next !== 0; next = this.left(next)) node = next;
    return node;
  }

  next(node: Ptr): Ptr {
    return this.step(node, true);
  }

  previous(node: Ptr): Ptr {
    return this.step(node, false);
  }

  private step(node: Ptr, forward: boolean): Ptr {
    if (this.isEmptyNode(node)) return 0;
    const towards = (at: Ptr): Ptr => (forward ? this.right(at) : this.left(at));
    const away = (at: Ptr): Ptr => (forward ? this.left(at) : this.right(at));
    const child = towards(node);
    if (child !== 0) {
      let found = child;
      for (let next = child; next !== 0; next = away(next)) found = next;
      return found;
    }
    let at = node;
    let parent = this.parent(at);
    while (parent !== 0 && at === towards(parent)) {
      at = parent;
      parent = this.parent(at);
    }
    return parent;
  }

  /** The deepest node that comes first when children precede their parents. */
  firstPostorder(root: Ptr): Ptr {
    return this.deepest(this.top(root));
  }

  nextPostorder(node: Ptr): Ptr {
    if (node === 0) return 0;
    const parent = this.parent(node);
    if (parent !== 0 && node === this.left(parent) && this.right(parent) !== 0)
      return this.deepest(this.right(parent));
    return parent;
  }

  private deepest(from: Ptr): Ptr {
    let node = from;
    while (node !== 0) {
      const child = this.left(node) || this.right(node);
      if (child === 0) break;
      node = child;
    }
    return node;
  }

  /** Puts `fresh` in the place of `victim`, links and colour included. */
  replace(victim: Ptr, fresh: Ptr, root: Ptr): void {
    const parent = this.parent(victim);
    this.space.storePtr(fresh + this.parentWord, this.space.loadPtr(victim + this.parentWord));
    for (const child of [this.left(victim), this.right(victim)])
      if (child !== 0) this.setParent(child, fresh);
    this.setLeft(fresh, this.left(victim));
    this.setRight(fresh, this.right(victim));
    this.changeChild(victim, fresh, parent, root);
  }

  private changeChild(old: Ptr, fresh: Ptr, parent: Ptr, root: Ptr): void {
    if (parent === 0) this.space.storePtr(this.rootSlot(root), fresh);
    else if (this.left(parent) === old) this.setLeft(parent, fresh);
    else this.setRight(parent, fresh);
  }

  /** Rotates `node` down to the given side; its child of the other side comes up. Colours stay with the nodes. */
  private *rotate(node: Ptr, toLeft: boolean, root: Ptr, onRotate: OnRotate | undefined): Sleepable<void> {
    const child = toLeft ? this.right(node) : this.left(node);
    const inner = toLeft ? this.left(child) : this.right(child);
    const parent = this.parent(node);
    if (toLeft) {
      this.setRight(node, inner);
      this.setLeft(child, node);
    } else {
      this.setLeft(node, inner);
      this.setRight(child, node);
    }
    if (inner !== 0) this.setParent(inner, node);
    this.setParent(child, parent);
    this.setParent(node, child);
    this.changeChild(node, child, parent, root);
    if (onRotate) yield* onRotate(node, child);
  }

  /** Restores the colour rules after a red leaf was linked in. */
  *insertColor(inserted: Ptr, root: Ptr, onRotate?: OnRotate): Sleepable<void> {
    let node = inserted;
    for (;;) {
      let parent = this.parent(node);
      if (parent === 0) {
        this.setColor(node, BLACK);
        return;
      }
      if (this.color(parent) === BLACK) return;
      const grandparent = this.parent(parent);
      const isLeft = parent === this.left(grandparent);
      const uncle = isLeft ? this.right(grandparent) : this.left(grandparent);
      if (uncle !== 0 && this.color(uncle) === RED) {
        this.setColor(uncle, BLACK);
        this.setColor(parent, BLACK);
        this.setColor(grandparent, RED);
        node = grandparent;
        continue;
      }
      if (node === (isLeft ? this.right(parent) : this.left(parent))) {
        yield* this.rotate(parent, isLeft, root, onRotate);
        parent = node;
      }
      this.setColor(parent, BLACK);
      this.setColor(grandparent, RED);
      yield* this.rotate(grandparent, !isLeft, root, onRotate);
      return;
    }
  }

  /** Takes a node out and restores the colour rules. */
  *erase(node: Ptr, root: Ptr): Sleepable<void> {
    const unbalanced = this.unlink(node, root);
    if (unbalanced !== 0) yield* this.eraseColor(unbalanced, root);
  }

  /** Takes a node out. The parent of a place that now lacks a black node, 0 where none does. */
  unlink(node: Ptr, root: Ptr, propagate?: Propagate): Ptr {
    const left = this.left(node);
    const right = this.right(node);
    if (left === 0 || right === 0) {
      const child = left || right;
      const parent = this.parent(node);
      this.changeChild(node, child, parent, root);
      propagate?.changed(parent);
      if (child !== 0) {
        this.setParentColor(child, parent, this.color(node));
        return 0;
      }
      return this.color(node) === BLACK ? parent : 0;
    }
    return this.unlinkInner(node, this.leftmost(right), root, propagate);
  }

  /** The in-order successor takes the place of a node with two children. */
  private unlinkInner(node: Ptr, successor: Ptr, root: Ptr, propagate: Propagate | undefined): Ptr {
    const child = this.right(successor);
    let parent = this.parent(successor);
    const wasBlack = this.color(successor) === BLACK;
    if (parent === node) parent = successor;
    else {
      this.setLeft(parent, child);
      this.setRight(successor, this.right(node));
      this.setParent(this.right(node), successor);
    }
    this.setLeft(successor, this.left(node));
    this.setParent(this.left(node), successor);
    propagate?.copied(node, successor);
    this.changeChild(node, successor, this.parent(node), root);
    this.setParentColor(successor, this.parent(node), this.color(node));
    propagate?.changed(parent);
    if (child !== 0) {
      this.setParentColor(child, parent, BLACK);
      return 0;
    }
    return wasBlack ? parent : 0;
  }

  /** Restores the colour rules below `unbalanced`, one of whose sides (the empty one first) lacks a black node. */
  *eraseColor(unbalanced: Ptr, root: Ptr, onRotate?: OnRotate): Sleepable<void> {
    let parent = unbalanced;
    let node: Ptr = 0;
    for (;;) {
      const isLeft = node === this.left(parent);
      const near = (at: Ptr): Ptr => (isLeft ? this.left(at) : this.right(at));
      const far = (at: Ptr): Ptr => (isLeft ? this.right(at) : this.left(at));
      const isRed = (at: Ptr): boolean => at !== 0 && this.color(at) === RED;
      let sibling = far(parent);
      if (isRed(sibling)) {
        this.setColor(sibling, BLACK);
        this.setColor(parent, RED);
        yield* this.rotate(parent, isLeft, root, onRotate);
        sibling = far(parent);
      }
      if (!isRed(near(sibling)) && !isRed(far(sibling))) {
        this.setColor(sibling, RED);
        if (this.color(parent) === RED) {
          this.setColor(parent, BLACK);
          return;
        }
        node = parent;
        parent = this.parent(node);
        if (parent === 0) return;
        continue;
      }
      if (!isRed(far(sibling))) {
        this.setColor(near(sibling), BLACK);
        this.setColor(sibling, RED);
        yield* this.rotate(sibling, !isLeft, root, onRotate);
        sibling = far(parent);
      }
      this.setColor(sibling, this.color(parent));
      this.setColor(parent, BLACK);
      this.setColor(far(sibling), BLACK);
      yield* this.rotate(parent, isLeft, root, onRotate);
      return;
    }
  }
}

/** Keeps augmented values right while a node is taken out. */
export interface Propagate {
  /** `fresh` takes over the value of `old`. */
  copied(old: Ptr, fresh: Ptr): void;
  /** Values from a node up to the root have to be computed again. */
  changed(node: Ptr): void;
}

/** Runs tree work that calls no guest code to its end. */
export function finish(work: Sleepable<void>): void {
  if (!work.next().done) throw new Error('tree work that calls guest code cannot be finished at once');
}
