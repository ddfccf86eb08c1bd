/** What is wrong with a kld for a kernel, or worth knowing of it. */
export type KldReason =
  /** The file itself; `line` is what the kernel logs of it, where it logs anything. */
  | {
      readonly kind: 'file';
      readonly effect: 'refused';
      readonly line: string | undefined;
      readonly text: string;
    }
  /** The kernel, or what the file needs, has an interface of that name and version already. */
  | {
      readonly kind: 'interface';
      readonly effect: 'refused';
      readonly interface: string;
      readonly version: number;
      readonly line: string;
      readonly text: string;
    }
  /** `found`: versions that are there, none of which will do. */
  | {
      readonly kind: 'dependency';
      readonly effect: 'refused';
      readonly module: string;
      readonly minimum: number;
      readonly preferred: number;
      readonly maximum: number;
      readonly found: readonly number[];
      readonly line: string;
      readonly text: string;
    }
  /** The file that has what is needed does not load itself. */
  | {
      readonly kind: 'dependency-file';
      readonly effect: 'refused';
      readonly module: string;
      readonly file: string;
      readonly line: string;
      readonly text: string;
    }
  | {
      readonly kind: 'symbol';
      readonly effect: 'refused';
      readonly symbol: string;
      readonly line: string;
      readonly text: string;
    }
  /** It does not say which kernels it is for. */
  | { readonly kind: 'no-range'; readonly effect: 'note'; readonly text: string };

/** Whether a kld loads into a kernel, and every reason why not, in the order in which the kernel gets to them. */
export interface KldVerdict {
  /** `hello.ko`, as kldstat has it. */
  readonly module: string;
  readonly file: string;
  readonly target: string;
  readonly loads: boolean;
  /** What kldload(2) fails with. */
  readonly errno: 'ENOEXEC' | undefined;
  readonly reasons: readonly KldReason[];
}

/** What the kernel logs: it stops at the first thing that is wrong. */
export function kldLogLines({ reasons, file }: KldVerdict): readonly string[] {
  const first = reasons.find(({ effect }) => effect === 'refused');
  if (!first) return [];
  const own = 'line' in first && first.line !== undefined ? [first.line] : [];
  return [...own, `linker_load_file: ${file} - unsupported file type`];
}
