import type { Versions } from '../../linux/module/version-forms.js';
import type { SignatureVerdict } from '../../trust/index.js';
import type { CheckKernel, Provided } from '../check-kernel.js';
import type { CheckedModule, Import, ModuleContent } from '../checked-module.js';
import type { Reason, Verdict } from '../reason.js';
import type { SymbolReasons } from './symbol-reasons.js';

/** A provider among the modules that are checked together. */
export interface ProvidedTogether extends Provided {
  readonly together: CheckedModule;
}

/** A symbol that a module imports, and who exports it: the kernel, a module checked along, or one of the kernel's own. */
interface Need {
  readonly symbol: Import;
  readonly provided: Provided | ProvidedTogether | undefined;
}

/** A module that is to be loaded into a kernel, and what the rules ask about it. */
export interface Case {
  readonly module: CheckedModule;
  readonly content: ModuleContent;
  readonly kernel: CheckKernel;
  /** Undefined where the kernel looks at no signatures. */
  readonly signature: SignatureVerdict | undefined;
  /** In the order of the symbol table. */
  readonly needs: readonly Need[];
  /** Those that count for this kernel; in the extended form one that is missing passes. */
  readonly versions: Versions;
  readonly reasons: SymbolReasons;
  /** Parameters that the user means to load it with. */
  readonly parameters: string;
  /** The modules that are checked along and export a symbol too, in the order in which they were added. */
  exporters(symbol: string): readonly CheckedModule[];
  /** The verdict about a module that is checked along; undefined while it is being made (they need each other). */
  verdictOf(module: CheckedModule): Verdict | undefined;
}

/** What the kernel checks in one step, and modbox besides. */
export type Rule = (c: Case) => Iterable<Reason>;
