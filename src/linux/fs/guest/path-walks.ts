import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Dcache } from './dcache.js';

/**
 * What path walks hold (struct nameidata): a dentry that was found stays until the call that looked it up is
 * over, also where the file system keeps none that nobody uses.
 */
export class PathWalks implements Subsystem {
  readonly exports = {};
  /** References by task that walks, in the order in which they were taken. */
  private readonly held = new Map<Ptr, Ptr[]>();

  constructor(private readonly k: LinuxKernel) {}

  /** Takes over the caller's reference until the `during` around it ends; without one it is dropped now. */
  *hold(dentry: Ptr): Sleepable<void> {
    const known = this.held.get(this.k.current);
    if (known) known.push(dentry);
    else yield* this.k.get(Dcache).put(dentry);
  }

  /** Runs `body`, then drops what was found in it. A look-up may start walks of its own. */
  *during<T>(body: Sleepable<T>): Sleepable<T> {
    const task = this.k.current;
    const outer = this.held.get(task);
    const found: Ptr[] = [];
    this.held.set(task, found);
    try {
      const result = yield* body;
      for (const dentry of found.reverse()) yield* this.k.get(Dcache).put(dentry);
      return result;
    } finally {
      if (outer) this.held.set(task, outer);
      else this.held.delete(task);
    }
  }
}
