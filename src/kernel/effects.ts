import type { Ptr } from '../cpu/layout.js';

/**
 * What a function of the base kernel may ask of the scheduler while it runs. Functions that sleep or call
 * guest code are generators that yield these; the scheduler resumes them with the result.
 */
export type Effect =
  /**
   * Call a guest function; its result is where the convention says when the generator is resumed (Convention.result). A number argument is a `Ptr`
   * (or a small or negative integer); a bigint is an integer of any size.
   */
  | { readonly kind: 'call'; readonly fn: Ptr; readonly args: readonly (number | bigint)[] }
  /** Give up the CPU until somebody wakes the task (Scheduler.wake). */
  | { readonly kind: 'block' }
  /** Let other runnable tasks have a turn. */
  | { readonly kind: 'yield' };

/** A pair: a struct of two words. */
export type Value = number | bigint | boolean | readonly [bigint, bigint] | undefined;

/** A function of the base kernel that may sleep or call back into guest code. */
export type Sleepable<T> = Generator<Effect, T, undefined>;

export function isSleepable(value: unknown): value is Sleepable<unknown> {
  return typeof value === 'object' && value !== null && 'next' in value;
}

/** Gives up the CPU until the task is woken. */
export function* block(): Sleepable<void> {
  yield { kind: 'block' };
}

/** Lets other runnable tasks run first. */
export function* yieldCpu(): Sleepable<void> {
  yield { kind: 'yield' };
}

/** Runs a function that cannot sleep in this situation: at boot, where only the base kernel's own code runs. */
export function runNow<T>(body: Sleepable<T>): T {
  const step = body.next();
  if (!step.done) throw new Error('a function that had to finish at once waits for something');
  return step.value;
}
