import type { Value } from '../effects.js';
import type { AnyFunction } from './gate.js';

/** Calls of exports that are to fail although they could be served: for trying the error paths of callers. */
export interface FailingCalls {
  /** Whether calls of a function may be made to fail at all. */
  has(name: string): boolean;
  /** What the call that is being served gives instead of running the function; undefined: it runs. */
  instead(name: string, args: readonly unknown[]): Value | undefined;
}

/** A function that is asked about each of its calls. */
export function withFailures(failing: FailingCalls, name: string, fn: AnyFunction): AnyFunction {
  const run = fn as (...args: unknown[]) => unknown;
  return (...args: unknown[]) => failing.instead(name, args) ?? run(...args);
}
