/** What becomes of a register's bits when a driver accesses it, before the model hears of it: as datasheets abbreviate it. */
export type RegisterAccess = 'rw' | 'ro' | 'wo' | 'w1c' | 'w0c' | 'w1s' | 'rc';

/** A register as a datasheet has it. */
export interface RegisterSpec {
  /** Offset in bytes. */
  readonly at: number;
  /** Bits: 32 by default. */
  readonly width?: 8 | 16 | 32 | 64;
  readonly access?: RegisterAccess;
  /** Value at power-on: 0 by default. */
  readonly reset?: number;
  /** Fields: a bit's number, or [high, low] as datasheets write it. */
  readonly bits?: { readonly [name: string]: number | readonly [high: number, low: number] };
  /** What of it the model does not have: a run whose driver touches the register says so. */
  readonly todo?: string;
}

export interface RegisterSpecs {
  readonly [name: string]: RegisterSpec;
}

type Word<S> = S extends { readonly width: 64 } ? bigint : number;
type Fields<S> = S extends { readonly bits: infer B } ? { -readonly [F in keyof B]: number } : unknown;

/** A register as its model sees it: its value, and its fields by name. No hook runs, nothing is logged. */
export type Register<S> = { value: Word<S> } & Fields<S>;
export type Registers<R> = { readonly [K in keyof R]: Register<R[K]> };

export type ReadHooks<R, D> = { readonly [K in keyof R]?: (device: D) => Word<R[K]> };
export type WriteHooks<R, D> = {
  readonly [K in keyof R]?: (device: D, value: Word<R[K]>, before: Word<R[K]>) => void;
};

/** One access of a driver. */
export interface LoggedAccess {
  /** Virtual time in nanoseconds. */
  readonly time: number;
  /** The register's name, or `+0x40` where the model has none. */
  readonly register: string;
  readonly kind: 'read' | 'write';
  readonly value: number | bigint;
  /** The driver's function. */
  readonly from: string;
}
