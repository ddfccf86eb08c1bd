import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { callExport, spinLockExports } from './refcount.js';

/** What lockref_mark_dead() leaves as the count. */
const DEAD = -128;

/** A spinlock and a reference count in one word (include/linux/lockref.h). */
export class Lockref implements Subsystem {
  private readonly type: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.type = k.struct('lockref');
  }

  readonly exports = {
    lockref_get: (ref: Ptr) => this.set(ref, this.count(ref) + 1),
    lockref_get_not_zero: (ref: Ptr) => this.changeIf(ref, this.count(ref) > 0, 1),
    lockref_get_not_dead: (ref: Ptr) => this.changeIf(ref, this.count(ref) >= 0, 1),
    lockref_put_not_zero: (ref: Ptr) => this.changeIf(ref, this.count(ref) > 1, -1),
    lockref_put_return: (ref: Ptr) => {
      const count = this.count(ref);
      if (count <= 0) return -1;
      this.set(ref, count - 1);
      return count - 1;
    },
    lockref_put_or_lock: (ref: Ptr) => this.putOrLock(ref),
    lockref_mark_dead: (ref: Ptr) => this.set(ref, DEAD),
  };

  private *putOrLock(ref: Ptr): Sleepable<boolean> {
    if (this.changeIf(ref, this.count(ref) > 1, -1)) return true;
    const [lock] = spinLockExports(this.k);
    yield* callExport(this.k, lock, this.type.addr(ref, 'lock'));
    return false;
  }

  private count(ref: Ptr): number {
    return this.type.get(ref, 'count');
  }

  private set(ref: Ptr, count: number): void {
    this.type.set(ref, 'count', count);
  }

  private changeIf(ref: Ptr, condition: boolean, by: number): boolean {
    if (condition) this.set(ref, this.count(ref) + by);
    return condition;
  }
}
