import type { ModuleFile } from '../../formats/module-file.js';
import { moduleOf } from '../../kmod/open-module.js';
import { LinuxKernel } from '../../linux/kernel.js';
import { type Answer, Coverage } from '../../linux/native/coverage.js';
import type { LinuxTarget } from '../../target/index.js';

export type { Answer };

/** What answers when a module calls what it imports. */
export interface ImportedFunctions {
  readonly module: string;
  readonly target: string;
  readonly functions: readonly { readonly name: string; readonly answer: Answer }[];
  /** Imports that are no functions of the kernel: of other modules, variables, and what nobody has. */
  readonly others: readonly string[];
}

/**
 * Who answers for the functions of a kernel that modules import. A kernel is booted for it, and one for each native subsystem. Throws
 * FormatError for what is no module.
 */
export function importedFunctions(files: readonly ModuleFile[], target: LinuxTarget): ImportedFunctions[] {
  const coverage = new Coverage(new LinuxKernel(target), () => new LinuxKernel(target));
  return files.map((file) => {
    const names = moduleOf(file.content, file.path)
      .undefinedSymbols()
      .map(({ name }) => name)
      .sort();
    const isFunction = (name: string): boolean => target.exports.get(name)?.kind === 'function';
    return {
      module: file.path,
      target: target.name,
      functions: names.filter(isFunction).map((name) => ({ name, answer: coverage.of(name) })),
      others: names.filter((name) => !isFunction(name)),
    };
  });
}
