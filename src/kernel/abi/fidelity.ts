import type { AnyFunction } from './gate.js';
import { parseSignature, type Signature } from './signature.js';

/** What is said of an exported function where it is declared. */
export interface Declared {
  /** What the target's types do not tell (assembly), or where other conversions are wanted. */
  readonly signature?: Signature;
  /** What it does less than the kernel's function of that name. */
  readonly limit?: string;
  /** Whether it answers the same whatever it is asked: see nothing(). */
  readonly nothing?: boolean;
}

const declared = new WeakMap<AnyFunction, Declared>();

/** What was said of a function by the functions below. */
export function declaredOf(fn: AnyFunction): Declared {
  return declared.get(fn) ?? {};
}

function declare<F extends AnyFunction>(fn: F, more: Declared): F {
  declared.set(fn, { ...declaredOf(fn), ...more });
  return fn;
}

/**
 * A function whose signature stands beside it, because the types of the target do not have it: `asm('v:p', (lock) => ...)`. See
 * parseSignature.
 */
export function asm<F extends AnyFunction>(signature: string, fn: F): F {
  return declare(fn, { signature: parseSignature(signature) });
}

/**
 * A function that does less than the kernel's: `partly('no signal ends the wait', (mutex) => ...)`. The report of a run names those
 * that were called. The limit is a clause that can follow the function's name and a colon.
 */
export function partly<F extends AnyFunction>(limit: string, fn: F): F {
  return declare(fn, { limit });
}

/**
 * A function that answers the same whatever it is asked, for a reason: there is nothing of the kind in the machine
 * (`nothing('no ACPI tables', 0)`). It does less than the kernel's as soon as somebody could tell the difference, so the report names it.
 */
export function nothing<T>(why: string, answer: T): () => T {
  return declare(() => answer, { limit: why, nothing: true });
}

/** As nothing(), of a function that gives back one of the things that it is given: `unchanged('no policies', (_net, dst) => dst)`. */
export function unchanged<F extends AnyFunction>(why: string, fn: F): F {
  return declare(fn, { limit: why, nothing: true });
}

/** A function that the kernel itself has for one answer, or that has one on a machine with one CPU: nothing is less than there. */
export function constant<T>(answer: T): () => T {
  return () => answer;
}
