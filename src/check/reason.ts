import type { RefusalCode } from '../trust/index.js';
import type { TypeChange } from './types/change.js';

/** Names of errnos that init_module(2) fails with. */
export type ErrnoName =
  | 'ENOEXEC'
  | 'ENOENT'
  | 'EINVAL'
  | 'EPERM'
  | 'EKEYREJECTED'
  | 'EEXIST'
  | 'ERANGE'
  | 'ENOSPC'
  | 'ENOMEM'
  | 'ENOSYS'
  | Exclude<RefusalCode, 'ENODATA'>;

/** Taint flags that loading a module can set, by their letters (Documentation/admin-guide/tainted-kernels.rst). */
export type TaintLetter = 'P' | 'F' | 'C' | 'O' | 'E' | 'K' | 'N';

/**
 * What a reason comes to: the kernel refuses the module; loading it taints; or it is worth knowing, and stops nothing.
 */
type Outcome =
  | { readonly effect: 'refused'; readonly errno: ErrnoName }
  | { readonly effect: 'taints'; readonly taint: TaintLetter }
  | { readonly effect: 'note' };

/** A kernel that has a symbol, where this one does not. */
export interface SymbolElsewhere {
  readonly target: string;
  /** The module there that exports it; undefined for the kernel image. */
  readonly module: string | undefined;
  /** The option of its configuration that is named like the module, where this kernel does not have it. */
  readonly option: string | undefined;
}

/** What a reason is about, with the facts behind it. */
type Subject =
  /** `line` is what the kernel logs of it, where it gets that far. */
  | { readonly kind: 'file'; readonly line: string | undefined }
  | { readonly kind: 'signature'; readonly code: RefusalCode }
  | { readonly kind: 'blacklist'; readonly where: string }
  | { readonly kind: 'vermagic'; readonly module: string | undefined; readonly kernel: string }
  /** `exact`: the kernel demands its own size. */
  | { readonly kind: 'module-struct'; readonly exact: boolean }
  | { readonly kind: 'built-in' }
  | { readonly kind: 'origin' }
  | { readonly kind: 'retpoline' }
  | { readonly kind: 'livepatch' }
  | { readonly kind: 'license'; readonly license: string }
  | {
      readonly kind: 'missing-symbol';
      readonly symbol: string;
      /** The kernel has a symbol of that name, but does not export it. */
      readonly internal: boolean;
      readonly elsewhere: readonly SymbolElsewhere[];
      /** Exports of this kernel with the most similar names, best first. */
      readonly nearest: readonly string[];
    }
  | {
      readonly kind: 'version';
      readonly symbol: string;
      /** The module that exports it; undefined for the kernel image. */
      readonly provider: string | undefined;
      /** CRC that the module was built against; undefined where it has none for this symbol. */
      readonly wanted: number | undefined;
      readonly found: number;
      /** Where the types of the two kernels differ, nearest to the symbol first; undefined where that is not known. */
      readonly changes: readonly TypeChange[] | undefined;
    }
  /** `line`: what the kernel logs, behind the module's name. */
  | { readonly kind: 'common-symbol'; readonly symbol: string; readonly line: string }
  | { readonly kind: 'symbol-section'; readonly symbol: string; readonly line: string }
  /** `lines`: what the kernel logs, with addresses of a kernel that has no module yet. */
  | { readonly kind: 'sections'; readonly lines: readonly string[] }
  | { readonly kind: 'memory'; readonly lines: readonly string[] }
  | { readonly kind: 'relocation'; readonly lines: readonly string[] }
  | { readonly kind: 'versions' }
  | { readonly kind: 'gpl-only'; readonly symbol: string; readonly provider: string | undefined }
  | { readonly kind: 'proprietary-provider'; readonly symbol: string; readonly provider: string }
  | { readonly kind: 'namespace'; readonly symbol: string; readonly namespace: string }
  | { readonly kind: 'duplicate-symbol'; readonly symbol: string; readonly owner: string }
  | { readonly kind: 'dependency'; readonly module: string }
  /** `line`: what the kernel logs, in the second case behind the module's name. */
  | { readonly kind: 'btf'; readonly line: string }
  | { readonly kind: 'parameter'; readonly parameter: string; readonly line: string };

/** One reason for a verdict. */
export type Reason = Subject &
  Outcome & {
    /** For people: what is wrong, and what would mend it where that is known. */
    readonly text: string;
  };

export type ReasonKind = Reason['kind'];

/** Whether one module loads into one kernel, with everything that speaks against it or is worth knowing. */
export interface Verdict {
  readonly module: string;
  readonly file: string;
  /** `linux/6.1.0-53-amd64` */
  readonly target: string;
  readonly loads: boolean;
  /** What loading it would fail with; undefined where it loads. */
  readonly errno: ErrnoName | undefined;
  /** Letters of the taints that loading it sets on the module, in the kernel's order. */
  readonly taints: string;
  readonly reasons: readonly Reason[];
}
