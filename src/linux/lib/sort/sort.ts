import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { heapSort } from './heap-sort.js';
import { mergeSort } from './merge-sort.js';

/** Swap functions up to here are requests for a built-in swap. */
const LAST_BUILT_IN_SWAP = 3;

/** Sorting and searching with the caller's comparison (lib/sort.c, lib/list_sort.c, lib/bsearch.c). */
export class Sort implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    sort: (base: Ptr, count: number, size: number, compare: Ptr, swap: Ptr) =>
      this.array(base, count, size, (a, b) => this.k.callAs('i:pp', compare, a, b), swap),
    sort_r: (base: Ptr, count: number, size: number, compare: Ptr, swap: Ptr, data: bigint) =>
      this.array(base, count, size, (a, b) => this.k.callAs('i:ppp', compare, a, b, data), swap, data),
    list_sort: (data: bigint, head: Ptr, compare: Ptr) => this.list(data, head, compare),
    bsearch: (key: bigint, base: Ptr, count: number, size: number, compare: Ptr) =>
      this.search(key, base, count, size, compare),
  };

  readonly signatures = {
    sort_r: 'v:pLLppQ',
    list_sort: 'v:Qpp',
    bsearch: 'p:QpLLp',
  };

  private *array(
    base: Ptr,
    count: number,
    size: number,
    compare: (a: Ptr, b: Ptr) => Sleepable<number>,
    swap: Ptr,
    data?: bigint,
  ): Sleepable<void> {
    const { k } = this;
    const at = (index: number): Ptr => base + index * size;
    function* exchange(a: number, b: number): Sleepable<void> {
      if (swap > LAST_BUILT_IN_SWAP) {
        if (data === undefined) yield* k.callAs('v:ppi', swap, at(a), at(b), size);
        else yield* k.callAs('v:ppip', swap, at(a), at(b), size, data);
        return;
      }
      const kept = k.space.readable(at(a), size).slice();
      k.space.writable(at(a), size).set(k.space.readable(at(b), size));
      k.space.writable(at(b), size).set(kept);
    }
    yield* heapSort(count, (a, b) => compare(at(a), at(b)), exchange);
  }

  private *list(data: bigint, head: Ptr, compare: Ptr): Sleepable<void> {
    const { space } = this.k;
    const type = this.k.struct('list_head');
    const entries: Ptr[] = [];
    for (let at = type.get(head, 'next'); at !== head; at = type.get(at, 'next')) entries.push(at);
    const sorted = yield* mergeSort(entries, (a, b) => this.k.callAs('i:ppp', compare, data, a, b));
    let previous = head;
    for (const entry of [...sorted, head]) {
      space.storePtr(type.addr(previous, 'next'), entry);
      space.storePtr(type.addr(entry, 'prev'), previous);
      previous = entry;
    }
  }

  private *search(key: bigint, base: Ptr, count: number, size: number, compare: Ptr): Sleepable<Ptr> {
    let low = base;
    for (let left = count; left > 0; ) {
      const half = Math.floor(left / 2);
      const middle = low + half * size;
      const order = yield* this.k.callAs('i:pp', compare, key, middle);
      if (order === 0) return middle;
      if (order > 0) {
        low = middle + size;
        left -= half + 1;
      } else left = half;
    }
    return 0;
  }
}
