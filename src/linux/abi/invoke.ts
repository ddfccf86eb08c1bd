import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { LinuxKernel } from '../kernel.js';

/** The base kernel's own functions in operations tables are called directly, guest code through the CPU. */
function* own(k: LinuxKernel, fn: Ptr, args: readonly (number | bigint)[]): Sleepable<unknown> {
  const host = k.exports.functionAt(fn) as unknown as (...values: (number | bigint)[]) => unknown;
  const values = args.map((arg) => (typeof arg === 'bigint' ? Number(arg) : arg));
  return yield* k.wait(host(...values));
}

function isOwn(k: LinuxKernel, fn: Ptr): boolean {
  return k.exports.functionAt(fn) !== undefined;
}

/** Calls a function pointer of either side for its effect. */
export function* invoke(k: LinuxKernel, fn: Ptr, ...args: (number | bigint)[]): Sleepable<void> {
  if (isOwn(k, fn)) yield* own(k, fn, args);
  else yield* k.call(fn, ...args);
}

/** Calls a function pointer of either side that returns int. */
export function* invokeInt(k: LinuxKernel, fn: Ptr, ...args: (number | bigint)[]): Sleepable<number> {
  return isOwn(k, fn) ? Number(yield* own(k, fn, args)) : yield* k.callInt(fn, ...args);
}

/** Calls a function pointer of either side that returns long or ssize_t. */
export function* invokeLong(k: LinuxKernel, fn: Ptr, ...args: (number | bigint)[]): Sleepable<number> {
  return isOwn(k, fn) ? Number(yield* own(k, fn, args)) : yield* k.callLong(fn, ...args);
}

/** Calls a function pointer of either side that returns a pointer. */
export function* invokePtr(k: LinuxKernel, fn: Ptr, ...args: (number | bigint)[]): Sleepable<Ptr> {
  return isOwn(k, fn) ? Number(yield* own(k, fn, args)) : yield* k.callPtr(fn, ...args);
}

/** Runs a function that cannot sleep in this situation: at boot, where only the base kernel's own code runs. */
export function runNow<T>(body: Sleepable<T>): T {
  const step = body.next();
  if (!step.done) throw new Error('a function that had to finish at once waits for something');
  return step.value;
}
