import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';

/** A stable sort: `compare(a, b)` is positive where a belongs after b. */
export function* mergeSort(
  entries: readonly Ptr[],
  compare: (a: Ptr, b: Ptr) => Sleepable<number>,
): Sleepable<readonly Ptr[]> {
  if (entries.length < 2) return entries;
  const middle = entries.length >> 1;
  const left = yield* mergeSort(entries.slice(0, middle), compare);
  const right = yield* mergeSort(entries.slice(middle), compare);
  const merged: Ptr[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length && j < right.length) {
    if ((yield* compare(left[i], right[j])) <= 0) merged.push(left[i++]);
    else merged.push(right[j++]);
  }
  return [...merged, ...left.slice(i), ...right.slice(j)];
}
