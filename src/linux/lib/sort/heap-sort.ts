import type { Sleepable } from '../../../kernel/effects.js';

/** Order of the elements at two indices: negative, 0 or positive. */
type CompareAt = (a: number, b: number) => Sleepable<number>;
type SwapAt = (a: number, b: number) => Sleepable<void>;

const parentOf = (index: number): number => (index - 1) >> 1;

/**
 * Heapsort that sifts down to a leaf first and then climbs back, as the kernel's sort() does: equal elements
 * end up in the same order as there.
 */
export function* heapSort(count: number, compare: CompareAt, swap: SwapAt): Sleepable<void> {
  for (let top = (count >> 1) - 1; top >= 0; top--) yield* siftDown(top, count, compare, swap);
  for (let end = count - 1; end > 0; end--) {
    yield* swap(0, end);
    yield* siftDown(0, end, compare, swap);
  }
}

function* siftDown(top: number, end: number, compare: CompareAt, swap: SwapAt): Sleepable<void> {
  let leaf = top;
  let child = 2 * top + 1;
  while (child + 1 < end) {
    leaf = (yield* compare(child, child + 1)) >= 0 ? child : child + 1;
    child = 2 * leaf + 1;
  }
  if (child + 1 === end) leaf = child;
  while (leaf !== top && (yield* compare(top, leaf)) >= 0) leaf = parentOf(leaf);
  const target = leaf;
  while (leaf !== top) {
    leaf = parentOf(leaf);
    yield* swap(leaf, target);
  }
}
