/** One symbol of the kernel image, as /proc/kallsyms lists it. */
export interface KernelSymbol {
  readonly name: string;
  readonly address: bigint;
  /** Bytes to the next symbol of a higher address; 0 for the last. */
  readonly size: number;
  /** nm's letter: T and t text, D, d, B, b, R, r data, A absolute or per-CPU, ... */
  readonly type: string;
}

/** The symbols of a kernel image. */
export interface KernelSymbols {
  readonly count: number;
  /** The first symbol of that name. */
  lookup(name: string): KernelSymbol | undefined;
  /** Every symbol of that name: static functions may share one. */
  lookupAll(name: string): readonly KernelSymbol[];
  /** The symbol that `address` is in: the last one at or below it. Per-CPU and absolute symbols are left out. */
  nearest(address: bigint): KernelSymbol | undefined;
  /** All symbols in ascending order of address. */
  all(): Iterable<KernelSymbol>;
}
