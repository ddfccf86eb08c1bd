import type { Ptr } from '../../cpu/layout.js';
import type { Value } from '../effects.js';
import type { Code } from './signature.js';

/** Reads one argument of the call being served. */
export type Reader = () => number | bigint | boolean;

/** The variable arguments of a call, in order: of `...`, or of a list of them that guest code made. */
export interface VarArgs {
  next64(): bigint;
  nextPtr(): Ptr;
  /** Signed 32-bit. */
  nextInt(): number;
}

/** How structs travel that are passed or returned by value, by their size in bytes. */
export interface StructPassing {
  /** As what arguments: none, words, or a copy in memory. */
  paramsOf(size: number): readonly Code[];
  /** Throws TypeError for one that comes back in a way that is not here. */
  resultOf(size: number): Code;
}

/**
 * How functions of a system call each other: where arguments, results and return addresses are. The base kernel serves calls by
 * it and makes calls by it; nothing else knows registers of the caller or the layout of a stack.
 */
export interface Convention extends StructPassing {
  /** For a function with these parameters. */
  readers(params: readonly Code[]): Reader[];
  /** The variable arguments of the call being served, after `params` named ones. Take them before sleeping. */
  varargs(params: readonly Code[]): VarArgs;
  /** Those of a list (`va_list`) that guest code made, which is advanced. */
  vaList(list: Ptr): VarArgs;
  /** Bytes of the stack that belong to the caller's frame from where the call being served began: what is passed by value. */
  readonly stackArguments: Ptr;
  /** Stores the result of the function `name` that is being served. */
  finisher(result: Code, name: string): (value: Value) => void;
  /** The result that guest code has just left, as C says. */
  result(code: Code): number | bigint | boolean;

  /**
   * Sets up a call of guest code that returns to HOST_RETURN; `args` are 64-bit words. What it gives is for `leave`, once the call has
   * come back.
   */
  enter(fn: Ptr, args: readonly bigint[]): bigint;
  leave(frame: bigint): void;
  /** Where the call being served returns to. */
  returnAddress(): Ptr;
  /** Goes back there without the host's stack: after every frame on it had to unwind. */
  returnToCaller(): void;

  /** Lowest byte in use of the running task's stack. */
  stack: Ptr;
  /** Begins a task with an empty stack that ends at `top`. */
  begin(top: Ptr): void;
}
