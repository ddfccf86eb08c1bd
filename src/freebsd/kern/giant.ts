import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** The operations of a mutex that Giant needs: set by mutex(9), which stands above sleep queues. */
export interface MutexOperations {
  isMine(mtx: Ptr): boolean;
  lock(mtx: Ptr): Sleepable<void>;
  unlock(mtx: Ptr): void;
}

/** Giant, the mutex that a sleep gives up by itself: DROP_GIANT() and PICKUP_GIANT() (sys/sys/mutex.h). */
export class Giant implements Subsystem {
  readonly exports = {};
  operations!: MutexOperations;

  constructor(private readonly k: FreebsdKernel) {}

  get at(): Ptr {
    return this.k.variable('Giant');
  }

  /** Gives it up wholly: how often the thread had it. */
  drop(): number {
    let depth = 0;
    while (this.operations.isMine(this.at)) {
      this.operations.unlock(this.at);
      depth++;
    }
    return depth;
  }

  *pickUp(depth: number): Sleepable<void> {
    for (let i = 0; i < depth; i++) yield* this.operations.lock(this.at);
  }
}
