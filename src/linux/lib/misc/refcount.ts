import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { Unimplemented } from '../../../kernel/errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Once, warn } from '../../warn.js';

/** Halfway between INT_MIN and 0: counting on from here does no harm (include/linux/refcount.h). */
const SATURATED = 0xc000_0000;

/** By enum refcount_saturation_type: what is said, and the line of lib/refcount.c that says it. */
const EVENTS: readonly (readonly [text: string, line: number])[] = [
  ['saturated; leaking memory', 19],
  ['saturated; leaking memory', 22],
  ['addition on 0; use-after-free', 25],
  ['underflow; use-after-free', 28],
  ['decrement hit 0; leaking memory', 31],
];

/** Locks that a counter's last decrement takes, by the exports that take and drop them. */
const MUTEX = ['mutex_lock', 'mutex_unlock'] as const;
const SPIN = ['_raw_spin_lock', '_raw_spin_unlock'] as const;
const RT_SPIN = ['rt_spin_lock', 'rt_spin_unlock'] as const;

/** How a spinlock_t is taken and given back. */
export function spinLockExports(k: LinuxKernel): readonly [lock: string, unlock: string] {
  return k.configured('CONFIG_PREEMPT_RT') ? RT_SPIN : SPIN;
}

/** refcount_t and counters that take a lock when they drop to 0 (lib/refcount.c, lib/dec_and_lock.c). */
export class Refcount implements Subsystem {
  private readonly once = new Once();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    refcount_warn_saturate: (counter: Ptr, event: number) => {
      this.k.space.store32(counter, SATURATED);
      const [text, line] = EVENTS[event] ?? ['unknown saturation event!?', 34];
      if (this.once.first(`${event}`))
        warn(this.k, `refcount_t: ${text}.`, `lib/refcount.c:${line}`, 'refcount_warn_saturate', 'refcount');
    },
    refcount_dec_if_one: (counter: Ptr) => {
      if (this.k.space.loadInt32(counter) !== 1) return false;
      this.k.space.store32(counter, 0);
      return true;
    },
    refcount_dec_not_one: (counter: Ptr) => this.decrementUnlessOne(counter),
    refcount_dec_and_mutex_lock: (counter: Ptr, lock: Ptr) => this.decrementAndLock(counter, lock, MUTEX),
    refcount_dec_and_lock: (counter: Ptr, lock: Ptr) =>
      this.decrementAndLock(counter, lock, spinLockExports(this.k)),
    refcount_dec_and_lock_irqsave: (counter: Ptr, lock: Ptr, flags: Ptr) =>
      this.decrementAndLockIrqsave(counter, lock, flags),
    _atomic_dec_and_lock: (counter: Ptr, lock: Ptr) =>
      this.decrementAndLock(counter, lock, spinLockExports(this.k)),
    _atomic_dec_and_lock_irqsave: (counter: Ptr, lock: Ptr, flags: Ptr) =>
      this.decrementAndLockIrqsave(counter, lock, flags),
  };

  /** True if the counter was above 1 (or saturated) and needs no lock. */
  private decrementUnlessOne(counter: Ptr): boolean {
    const { space } = this.k;
    const value = space.loadInt32(counter);
    if (value >>> 0 === SATURATED) return true;
    if (value === 1) return false;
    if (value <= 0) {
      if (this.once.first('dec'))
        warn(
          this.k,
          'refcount_t: underflow; use-after-free.',
          'lib/refcount.c:87',
          'refcount_dec_not_one',
          'refcount',
        );
      return true;
    }
    space.store32(counter, value - 1);
    return true;
  }

  private *decrementAndLock(
    counter: Ptr,
    lock: Ptr,
    [take, drop]: readonly [string, string],
  ): Sleepable<boolean> {
    if (this.decrementUnlessOne(counter)) return false;
    yield* callExport(this.k, take, lock);
    if (this.decrementToZero(counter)) return true;
    yield* callExport(this.k, drop, lock);
    return false;
  }

  private *decrementAndLockIrqsave(counter: Ptr, lock: Ptr, flags: Ptr): Sleepable<boolean> {
    if (this.k.configured('CONFIG_PREEMPT_RT')) {
      // spin_lock_irqsave() leaves interrupts on.
      this.k.space.storeLong(flags, 0);
      return yield* this.decrementAndLock(counter, lock, RT_SPIN);
    }
    if (this.decrementUnlessOne(counter)) return false;
    const saved = yield* callExport(this.k, '_raw_spin_lock_irqsave', lock);
    this.k.space.storeLong(flags, Number(saved));
    if (this.decrementToZero(counter)) return true;
    yield* callExport(this.k, '_raw_spin_unlock_irqrestore', lock, Number(saved));
    return false;
  }

  private decrementToZero(counter: Ptr): boolean {
    const value = this.k.space.loadInt32(counter) - 1;
    this.k.space.store32(counter, value);
    return value === 0;
  }
}

/** Runs another subsystem's export from within one. */
export function* callExport(k: LinuxKernel, name: string, ...args: number[]): Sleepable<unknown> {
  const fn = k.exports.functionNamed(name);
  if (!fn) throw new Unimplemented(name, '');
  const call = fn as unknown as (...args: number[]) => unknown;
  return yield* k.wait<unknown>(call(...args));
}
