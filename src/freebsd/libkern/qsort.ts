import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** qsort(3) and bsearch(3) of the kernel (sys/libkern). Equal elements keep their order, which nobody is promised. */
export class Qsort implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    qsort: (base: Ptr, count: number, size: number, compare: Ptr) =>
      this.sort(base, count, size, (a, b) => this.k.callAs('i:pp', compare, a, b)),
    qsort_r: (base: Ptr, count: number, size: number, compare: Ptr, thunk: Ptr) =>
      this.sort(base, count, size, (a, b) => this.k.callAs('i:ppp', compare, a, b, thunk)),
    bsearch: (key: Ptr, base: Ptr, count: number, size: number, compare: Ptr) =>
      this.search(key, base, count, size, compare),
  };

  readonly signatures = { qsort: 'v:pLLp', qsort_r: 'v:pLLpp', bsearch: 'p:ppLLp' };

  /** Insertion by halves: elements lie in memory in an order that the comparison may look at. */
  private *sort(
    base: Ptr,
    count: number,
    size: number,
    compare: (a: Ptr, b: Ptr) => Sleepable<number>,
  ): Sleepable<void> {
    const { space } = this.k;
    for (let i = 1; i < count; i++) {
      const at = base + i * size;
      let [low, high] = [0, i];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((yield* compare(base + middle * size, at)) <= 0) low = middle + 1;
        else high = middle;
      }
      if (low === i) continue;
      const element = space.readable(at, size).slice();
      const to = base + low * size;
      space.writable(to, at + size - to).copyWithin(size, 0, at - to);
      space.writable(to, size).set(element);
    }
  }

  private *search(key: Ptr, base: Ptr, count: number, size: number, compare: Ptr): Sleepable<Ptr> {
    let [low, high] = [0, count];
    while (low < high) {
      const middle = (low + high) >> 1;
      const order = yield* this.k.callAs('i:pp', compare, key, base + middle * size);
      if (order === 0) return base + middle * size;
      if (order < 0) high = middle;
      else low = middle + 1;
    }
    return 0;
  }
}
