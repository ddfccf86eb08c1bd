import type { Value } from '../effects.js';
import type { Convention } from './convention.js';
import type { Signature } from './signature.js';

// Parameters are contravariant: only `never` lets functions of any parameter types into one table.
export type AnyFunction = (...args: never[]) => unknown;

/** Turns TypeScript functions into ones that guest code can call: arguments and results by a convention. */
export class Gate {
  constructor(private readonly convention: Convention) {}

  /** Reads the arguments of the call being served, and runs the function with them. */
  invoker(signature: Signature, fn: AnyFunction): () => unknown {
    const { params, variadic } = signature;
    const named = this.convention.readers(params);
    // Variable arguments are one more, at the end.
    const readers = variadic ? [...named, () => this.convention.varargs(params)] : named;
    const call = fn as unknown as (...args: unknown[]) => unknown;
    const [a, b, c, d] = readers;
    switch (readers.length) {
      case 0:
        return () => call();
      case 1:
        return () => call(a());
      case 2:
        return () => call(a(), b());
      case 3:
        return () => call(a(), b(), c());
      case 4:
        return () => call(a(), b(), c(), d());
      default:
        return () => call(...readers.map((read) => read()));
    }
  }

  /** Stores a function's result where its caller looks for it. */
  finisher(signature: Signature, name: string): (value: Value) => void {
    return this.convention.finisher(signature.result, name);
  }
}
