import type { LinuxKernel } from '../kernel.js';

/** The function that a line of `init` names. */
export function initFunction(line: string): string {
  return line.split(' ', 1)[0];
}

/**
 * A subsystem of the target's own kernel that may run beside TypeScript's. It is set up at the first call of one of its functions,
 * by the functions that set it up when a kernel boots. Only what its own functions and those of what it needs leave set counts as set.
 */
export interface NativeSubsystem {
  readonly name: string;
  /** Names of the functions that it offers: those that modules call. */
  readonly functions: RegExp;
  /** Subsystems that are set up before. */
  readonly needs?: readonly string[];
  /**
   * Functions of the image, in the order in which a kernel that boots calls them, each with its arguments behind it: numbers, or
   * variables whose addresses they are. Those that a target does not have are left out.
   */
  readonly init: readonly string[];
  /** Other functions of a boot that it stands for: what they do besides is not there on modbox's machine. */
  readonly stands?: RegExp;
  /** struct pernet_operations of the image that are registered before the init functions: by functions of which TypeScript does the rest. */
  readonly pernet?: readonly string[];
  /** Functions that TypeScript has and leaves to the target's own code where that is at hand. */
  readonly replaces?: RegExp;
  /** Structures that TypeScript makes and fills as far as this subsystem looks at them: each stands for a scenario that was tried. */
  readonly shares?: readonly string[];
  /** Variables that code run at boot refers to, and that are right as the image has them: locks, switches of the command line. */
  readonly asBuilt?: readonly string[];
  /** Sets what no function of the image sets. */
  readonly glue?: (k: LinuxKernel) => void;
}
