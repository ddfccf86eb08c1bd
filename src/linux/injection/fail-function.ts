import type { Ptr } from '../../cpu/layout.js';
import type { Value } from '../../kernel/effects.js';
import { ModuleHistory } from '../kallsyms/module-history.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { injectable } from './injectable.js';

/** A call that was made to fail. */
export interface FailedCall {
  readonly symbol: string;
  /** `edu_probe+0x12/0x340 [edu]` */
  readonly caller: string;
}

/** A failure that is to come. */
export interface Failure {
  /** Calls that could have failed so far. */
  readonly calls: number;
  /** Undefined until one was made to fail. */
  readonly failed: FailedCall | undefined;
  /** No call fails any more by it. */
  stop(): void;
}

/**
 * Lets one call of a module fail, to see what its error path does (kernel/fail_function.c, Documentation/fault-injection): allocations, mappings,
 * registrations, as they fail when there is no memory, or no place.
 */
export class FailFunction implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: LinuxKernel) {}

  /** From now on the n-th call of modules that can fail does, counted from 1; another one that was to fail does not any more. */
  failNth(n: number): Failure {
    const { executor } = this.k;
    let calls = 0;
    let failed: FailedCall | undefined;
    const instead = (name: string, caller: Ptr): { readonly value: Value } | undefined => {
      const failing = injectable(this.k, name, caller);
      if (!failing || ++calls !== n) return undefined;
      failed = { symbol: name, caller: this.k.get(ModuleHistory).symbolize(caller) };
      return { value: failing.gives };
    };
    executor.instead = instead;
    return {
      get calls() {
        return calls;
      },
      get failed() {
        return failed;
      },
      stop() {
        if (executor.instead === instead) executor.instead = undefined;
      },
    };
  }
}
