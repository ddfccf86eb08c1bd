import type { Ptr } from '../cpu/layout.js';
import type { ExportSource } from '../kernel/abi/export-table.js';
import type { Holding } from '../kernel/modules/holding.js';
import type { FreebsdKernel } from './kernel.js';

/** Exported variables: each function fills the variable at boot; its memory is zero before. */
type ExportedData = Readonly<Record<string, (address: Ptr) => void>>;

/**
 * A part of the base kernel. One class a subsystem, constructed with the kernel; others reach it with `k.get(Class)`. Argument and
 * result types of exports come from the target's prototypes.
 */
export interface Subsystem extends ExportSource {
  readonly data?: ExportedData;
  /** Modules that it stands for: what kernels are configured with, and no header tells. */
  readonly modules?: readonly { readonly name: string; readonly version: number }[];
  /** Called once, after all data was filled, in the order of the list. */
  boot?(): void;
  /** What it keeps for modules until they take it back: looked through when a file is unloaded. */
  holds?(): Iterable<Holding>;
}

export type SubsystemClass<T = Subsystem> = new (k: FreebsdKernel) => T;
