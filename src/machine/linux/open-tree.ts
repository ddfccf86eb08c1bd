import { BuiltinModules, MemoryFiles, ModuleTree } from '../../kmod/index.js';
import type { MachineOptions } from './machine.js';

/** The modules of a machine's file tree. Machines of the same target and files can share it. */
export function openTree(options: MachineOptions): ModuleTree {
  const { target } = options;
  return new ModuleTree(options.files ?? new MemoryFiles(), {
    release: target.release,
    cmdline: options.cmdline ?? '',
    builtin: new BuiltinModules(target.builtinModules, () => target.builtinModinfo),
    ...(options.indexCache && { cache: options.indexCache }),
  });
}
