import type { Verdict as SignatureVerdict } from '../../trust/index.js';
import type { CheckKernel, Provided } from '../check-kernel.js';
import type { CheckedModule, ModuleContent } from '../checked-module.js';
import type { Reason, SymbolElsewhere, Verdict } from '../reason.js';
import type { TypeChange } from '../types/change.js';

/** A provider among the modules that are checked together. */
export interface ProvidedTogether extends Provided {
  readonly together: CheckedModule;
}

/** A module that is to be loaded into a kernel, and what the rules ask about it. */
export interface Case {
  readonly module: CheckedModule;
  readonly content: ModuleContent;
  readonly kernel: CheckKernel;
  /** Undefined where the kernel looks at no signatures. */
  readonly signature: SignatureVerdict | undefined;
  /** Who exports a symbol: the kernel, a module checked along, or one of the kernel's own. */
  provider(symbol: string): Provided | ProvidedTogether | undefined;
  /** The verdict about a module that is checked along; undefined while it is being made (they need each other). */
  verdictOf(module: CheckedModule): Verdict | undefined;
  /** Differences of types behind a symbol's version; see SymbolChanges. */
  changes(symbol: string): readonly TypeChange[] | undefined;
  /** Other kernels that export a symbol. */
  elsewhere(symbol: string): readonly SymbolElsewhere[];
}

/** What the kernel checks in one step, and modbox besides. */
export type Rule = (c: Case) => Iterable<Reason>;
