import type { Ptr } from '../cpu/layout.js';
import type { ExportSource } from '../kernel/abi/export-table.js';
import type { Holding } from './holding.js';
import type { LinuxKernel } from './kernel.js';

/** Exported variables: each function fills the variable at boot. */
type ExportedData = Readonly<Record<string, (address: Ptr) => void>>;

/** A parameter of what is part of the kernel, with how it is shown and set. */
export interface BuiltinParameter {
  readonly module: string;
  readonly name: string;
  readonly mode: number;
  get(): string;
  /** 0, or a negative error number. */
  set(text: string): number;
}

/**
 * A part of the base kernel. One class a subsystem, constructed with the kernel; others reach it with
 * `k.get(Class)`. Argument and result types of exports come from the target's prototypes; `signatures`
 * (see kernel/abi/signature.ts) names those that BTF does not have (assembly) or that want other conversions.
 */
export interface Subsystem extends ExportSource {
  readonly data?: ExportedData;
  /**
   * Variables of the kernel's own that are to it what they are to the kernel: all that they say is there, and nothing of it elsewhere.
   * The target's own code may go by them.
   */
  readonly keeps?: readonly string[];
  /** Parameters of what is part of the kernel: /sys/module/MODULE/parameters/NAME. */
  readonly parameters?: readonly BuiltinParameter[];
  /** Called once, after all data was filled, in the order of the list. */
  boot?(): void;
  /** What it keeps for modules and others until they take it back: looked through when a module goes. */
  holds?(): Iterable<Holding>;
}

export interface SubsystemClass<T = Subsystem> {
  new (k: LinuxKernel): T;
  /**
   * The configuration options that build the kernel's own subsystem into the image: `CONFIG_I2C`. In a target where one is not `y`
   * (a module brings it there, or nothing) the class is not there either. Without any, a subsystem that exports things is there if
   * one of them is. See built-in.ts.
   */
  readonly builtIn?: string | readonly string[];
}
