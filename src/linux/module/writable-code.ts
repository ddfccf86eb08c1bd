import { SHF_EXECINSTR, SHF_WRITE } from '../../formats/elf/index.js';
import { ENOEXEC } from '../../kernel/errno.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import type { LinuxKernel } from '../kernel.js';
import { LoadError } from './load-error.js';

const KERN_ERR = 3;
const WRITABLE_CODE = SHF_WRITE | SHF_EXECINSTR;

/**
 * module_enforce_rwx_sections(): no section may be both written and executed, one that is not loaded included. Throws LoadError
 * (ENOEXEC).
 */
export function refuseWritableCode(k: LinuxKernel, module: LoadedModule): void {
  if (!k.configured('CONFIG_STRICT_MODULE_RWX')) return;
  const section = module.elf.sections.find(({ flags }) => (flags & WRITABLE_CODE) === WRITABLE_CODE);
  if (!section) return;
  const text = `${module.name}: section ${section.name} (index ${section.index}) has invalid WRITE|EXEC flags`;
  k.log.line(text, KERN_ERR);
  throw new LoadError(ENOEXEC, text);
}
