import { LOGLEVEL_ERR } from '../../kernel/log.js';
import { EPERM } from '../errno.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import type { LinuxKernel } from '../kernel.js';
import { LoadError } from './load-error.js';

/** Namespaces that name the modules that may use their symbols (Documentation/core-api/symbol-namespaces.rst). */
const MODULE_PREFIX = 'module:';

/**
 * Whether a module may use symbols of a namespace: it imports that, or the namespace is `module:A,B-*` and has its
 * name, in which `-` and `_` are the same and a pattern may end in `*` (verify_namespace_is_imported()).
 */
export function mayUseNamespace(module: Pick<LoadedModule, 'name' | 'modinfo'>, namespace: string): boolean {
  if (namespace === '' || module.modinfo.all('import_ns').includes(namespace)) return true;
  if (!namespace.startsWith(MODULE_PREFIX)) return false;
  const called = module.name.replaceAll('-', '_');
  return namespace
    .slice(MODULE_PREFIX.length)
    .split(',')
    .map((pattern) => pattern.replaceAll('-', '_'))
    .some((pattern) =>
      pattern.endsWith('*') ? called.startsWith(pattern.slice(0, -1)) : called === pattern,
    );
}

/** setup_modinfo(): kernels that know such namespaces let nobody import them. Throws LoadError (EPERM). */
export function refuseModuleNamespaces(k: LinuxKernel, module: LoadedModule): void {
  const imported = module.modinfo.all('import_ns').find((name) => name.startsWith(MODULE_PREFIX));
  if (imported === undefined || !knowsModuleNamespaces(k)) return;
  const text = `${module.name}: module tries to import module namespace: ${imported}`;
  k.log.line(text, LOGLEVEL_ERR);
  throw new LoadError(EPERM, text);
}

/**
 * The function that looks at them is there. A kernel whose compiler has put it into its caller is not recognised, and an
 * import that it would refuse passes here; exports in such a namespace tell nothing (6.12 has them without the refusal).
 */
function knowsModuleNamespaces(k: LinuxKernel): boolean {
  return k.target.symbols.lookup('verify_module_namespace') !== undefined;
}
