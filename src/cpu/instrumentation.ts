import type { Ptr } from './layout.js';

/**
 * What translated code tells of itself while it runs. It is part of the key by which translations are found again: code that tells
 * nothing is the same whether or not other machines of the process have asked theirs to tell.
 */
export interface Instrumentation {
  /** Each `call` of guest code, and each `ret`. */
  readonly calls: boolean;
  /** Each basic block that is entered. */
  readonly blocks: boolean;
}

/** Code that tells nothing. */
export const PLAIN: Instrumentation = { calls: false, blocks: false };

/** Equal for equal instrumentations; '' for none. */
export const instrumentationKey = ({ calls, blocks }: Instrumentation): string =>
  `${calls ? 'c' : ''}${blocks ? 'b' : ''}`;

/** Who is told. The register file is true meanwhile, and must not be changed. */
export interface CodeObserver {
  /** Guest code calls guest code; `caller` is where it will return to. The return address is on the stack. */
  called(fn: Ptr, caller: Ptr): void;
  /** Guest code has returned to guest code. `at` is an address in it, `frame` where on the stack its return address was. */
  returned(at: Ptr, frame: Ptr): void;
  /** The basic block at `at` was entered for the first time. */
  covered(at: Ptr): void;
}

/** The first argument of the service `tell` (translate/services.ts). Others are returns: the bytes that a `ret` took off the stack. */
export const TOLD_BLOCK = 0;
export const TOLD_CALL = 1;
