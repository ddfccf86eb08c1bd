import type { TranslationStore } from '../../cpu/runtime/code-cache.js';
import type { Interruption } from '../../kernel/task/interruption.js';
import type { FileSource, IndexCache, ModuleTree } from '../../kmod/index.js';
import type { FailurePlan } from '../../linux/injection/failure-plan.js';
import type { ModuleTrust } from '../../linux/kernel.js';
import type { NativeMode } from '../../linux/native/native-code.js';
import type { LinuxTarget } from '../../target/index.js';

export interface MachineOptions {
  /** The kernel to be. */
  readonly target: LinuxTarget;
  /** The machine's file tree: /lib/modules/RELEASE, /etc/modprobe.d, ... Read only. */
  readonly files?: FileSource;
  /** Files of the host by the paths that its user gives: for insmod's operands. */
  readonly hostFiles?: FileSource;
  /** Kernel boot parameters. */
  readonly cmdline?: string;
  /** Whom the kernel trusts for modules besides its own certificates, and what it checks signatures with. */
  readonly trust?: ModuleTrust;
  /** User that the machine's processes run as: root by default. */
  readonly uid?: number;
  /** Takes modules that are refused for safety's sake alone as the real kernel takes them. */
  readonly lenient?: boolean;
  /** Whether the target's own code may run where TypeScript has nothing: 'auto' by default, where its image is at hand. */
  readonly native?: NativeMode;
  /** Decides interleavings and random numbers. */
  readonly seed?: number;
  /** Keeps the index of a tree that depmod never saw. */
  readonly indexCache?: IndexCache;
  /** Keeps translations of machine code between processes; false: each process makes its own. */
  readonly translations?: TranslationStore | false;
  /** The modules of `files`, where they were opened before. */
  readonly tree?: ModuleTree;
  /** Memory of a machine that is no longer needed: see Machine.release. */
  readonly memory?: WebAssembly.Memory;
  /** Asked every few milliseconds while a command runs: a reason to stop it, such as that its time is over. */
  readonly interrupt?: () => Interruption | undefined;
  /** Instructions, or as much work of the base kernel, that a command may take before it is stopped: 4e9 by default. */
  readonly workLimit?: number;
  /** What goes wrong on purpose. */
  readonly failures?: FailurePlan;
}
