import type { Ptr } from '../../cpu/layout.js';
import type { Task } from './task.js';

/** One task of a circle: what it waits for, and who has that. */
export interface Waiting {
  readonly task: Task;
  readonly lock: Ptr;
  readonly holder: Task;
}

/**
 * Whether `self`, which is about to wait for `lock`, would wait for itself, over any number of others that wait for one another: who
 * waits for whom, from `self` on; undefined where it does not lead there. `holders` says who has a lock.
 */
export function waitCircle(
  self: Task,
  lock: Ptr,
  holders: (lock: Ptr) => Iterable<Task | undefined>,
): readonly Waiting[] | undefined {
  const seen = new Set<Task>();
  const from = (task: Task, wanted: Ptr): readonly Waiting[] | undefined => {
    for (const holder of holders(wanted)) {
      if (!holder || holder.ended || seen.has(holder)) continue;
      seen.add(holder);
      const rest = holder === self ? [] : from(holder, holder.waitsFor);
      if (rest) return [{ task, lock: wanted, holder }, ...rest];
    }
    return undefined;
  };
  return from(self, lock);
}
