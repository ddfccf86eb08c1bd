/** What is known of one kernel without opening more than the index of its file. */
export interface TargetInfo {
  /** System and release: `linux/6.1.0-53-amd64`. */
  readonly name: string;
  readonly os: string;
  /** What `uname -r` says. */
  readonly release: string;
  readonly arch: string;
  /** Where its modules were when it was added: a directory that holds lib/modules/RELEASE or the like. */
  readonly tree?: string;
}

/** A symbol of a kernel that modules link against. */
export interface TargetSymbol {
  readonly name: string;
  readonly address: bigint;
  /** Bytes to the next symbol; 0 where that is not known. */
  readonly size: number;
}

/**
 * One kernel that a machine can be: what its distribution ships about it, never typed in by hand. This much every system has; what a
 * system's loader and base kernel want besides is in the system's own target.
 */
export interface Target<Types = unknown> extends TargetInfo {
  readonly exports: ReadonlyMap<string, TargetSymbol>;
  /** C types and prototypes. */
  readonly types: Types;
}
