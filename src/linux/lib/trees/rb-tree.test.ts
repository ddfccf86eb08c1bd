import { describe, expect, it } from 'vitest';
import { FakeStruct } from '../testing/fake-struct.js';
import { TestGuest } from '../testing/guest.js';
import { BLACK, finish, RbTree, RED } from './rb-tree.js';

const guest = new TestGuest();
const { space } = guest;
const tree = new RbTree(
  space,
  new FakeStruct(space, 'rb_node', {
    __rb_parent_color: [0, 8, 'u'],
    rb_right: [8, 8, 'p'],
    rb_left: [16, 8, 'p'],
  }),
  new FakeStruct(space, 'rb_root', { rb_node: [0, 8, 'p'] }),
);
const KEY = 24;
const key = (node: number): number => space.load32(node + KEY);

function insert(root: number, value: number): number {
  const node = guest.alloc(32);
  space.store32(node + KEY, value);
  let slot = tree.rootSlot(root);
  let parent = 0;
  for (let at = tree.top(root); at !== 0; at = space.loadPtr(slot)) {
    parent = at;
    slot = tree.slot(at, value < key(at));
  }
  tree.link(node, parent, slot);
  finish(tree.insertColor(node, root));
  return node;
}

/** Checks colours and links; the number of black nodes on every path down. */
function check(node: number, parent: number): number {
  if (node === 0) return 0;
  expect(tree.parent(node)).toBe(parent);
  const [left, right] = [tree.left(node), tree.right(node)];
  if (tree.color(node) === RED)
    for (const child of [left, right]) if (child !== 0) expect(tree.color(child)).toBe(BLACK);
  const height = check(left, node);
  expect(check(right, node)).toBe(height);
  return height + (tree.color(node) === BLACK ? 1 : 0);
}

function keys(root: number): number[] {
  const found: number[] = [];
  for (let at = tree.first(root); at !== 0; at = tree.next(at)) found.push(key(at));
  return found;
}

describe('red-black tree', () => {
  it('stays sorted and balanced through random insertions and removals', () => {
    const root = guest.alloc(8);
    const nodes = new Map<number, number>();
    let seed = 1;
    const random = (limit: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % limit;
    };
    for (let i = 0; i < 600; i++) {
      const value = random(150);
      const known = nodes.get(value);
      if (known !== undefined) {
        finish(tree.erase(known, root));
        nodes.delete(value);
      } else nodes.set(value, insert(root, value));
      check(tree.top(root), 0);
      if (tree.top(root) !== 0) expect(tree.color(tree.top(root))).toBe(BLACK);
      expect(keys(root)).toEqual([...nodes.keys()].sort((a, b) => a - b));
    }
  });
  it('walks backwards and in post-order, and replaces nodes', () => {
    const root = guest.alloc(8);
    const nodes = [5, 2, 8, 1, 3].map((value) => insert(root, value));
    const back: number[] = [];
    for (let at = tree.last(root); at !== 0; at = tree.previous(at)) back.push(key(at));
    expect(back).toEqual([8, 5, 3, 2, 1]);
    const post: number[] = [];
    for (let at = tree.firstPostorder(root); at !== 0; at = tree.nextPostorder(at)) post.push(key(at));
    expect(post).toEqual([1, 3, 2, 8, 5]);
    const fresh = guest.alloc(32);
    space.store32(fresh + KEY, 2);
    tree.replace(nodes[1], fresh, root);
    expect(tree.left(tree.top(root))).toBe(fresh);
    check(tree.top(root), 0);
  });
});
