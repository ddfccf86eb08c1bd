import type { ModuleFile } from '../../formats/module-file.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { LinuxKernel } from '../../linux/kernel.js';
import { deleteModule } from '../../linux/module/init.js';
import { LoadError } from '../../linux/module/load-error.js';
import { type LoadFlags, loadModule } from '../../linux/module/loader.js';

/** Result of a system call that loads or removes a module. */
export interface CallResult {
  /** 0, or a positive error number. */
  readonly errno: number;
  /** What modbox knows of the reason, where the errno alone does not say. */
  readonly why?: string;
}

/** finit_module(2) of a file that could be unpacked. */
export function* finitModule(
  k: LinuxKernel,
  file: ModuleFile,
  args: string,
  flags: LoadFlags = {},
): Sleepable<CallResult> {
  try {
    yield* loadModule(k, file, args, flags);
    return { errno: 0 };
  } catch (error) {
    if (error instanceof LoadError) return { errno: error.errno, why: error.message };
    throw error;
  }
}

/** delete_module(2). */
export function* deleteModuleCall(k: LinuxKernel, name: string, force: boolean): Sleepable<CallResult> {
  try {
    yield* deleteModule(k, name, force);
    return { errno: 0 };
  } catch (error) {
    if (error instanceof LoadError) return { errno: error.errno, why: error.message };
    throw error;
  }
}
