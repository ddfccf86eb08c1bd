import type { Ptr } from '../../../cpu/layout.js';
import { isNode, isSibling, RETRY } from './entry.js';
import type { NodeTree } from './node-tree.js';

export interface Found {
  readonly index: bigint;
  readonly entry: bigint;
}

/**
 * The first index from `from` to `max` with an entry that is not NULL, or that has a mark. Only indices that
 * the tree covers count: those beyond it have neither.
 */
export function findEntry(
  tree: NodeTree,
  array: Ptr,
  from: bigint,
  max: bigint,
  mark: number | undefined,
): Found | undefined {
  if (from > max) return undefined;
  const head = tree.head(array);
  const isMarked = mark === undefined || tree.headMarked(array, mark);
  if (!isNode(head)) return from === 0n && head !== 0n && isMarked ? { index: 0n, entry: head } : undefined;
  if (!isMarked) return undefined;
  const node = tree.toNode(head);
  const last = tree.maxBelow(node);
  return findBelow(tree, node, 0n, from, max < last ? max : last, mark);
}

function findBelow(
  tree: NodeTree,
  node: Ptr,
  base: bigint,
  from: bigint,
  max: bigint,
  mark: number | undefined,
): Found | undefined {
  const shift = tree.shift(node);
  const first = from > base ? Number((from - base) >> shift) : 0;
  for (let offset = first; offset < tree.slots; offset++) {
    const start = base + (BigInt(offset) << shift);
    if (start > max) return undefined;
    if (mark !== undefined && !tree.nodeMark(node, mark, offset)) continue;
    const entry = tree.entryAt(node, offset);
    if (shift !== 0n && isNode(entry)) {
      const found = findBelow(tree, tree.toNode(entry), start, from, max, mark);
      if (found) return found;
      continue;
    }
    const isEntry = entry !== 0n && entry !== RETRY && !isSibling(entry);
    if (mark !== undefined || isEntry) return { index: start > from ? start : from, entry };
  }
  return undefined;
}
