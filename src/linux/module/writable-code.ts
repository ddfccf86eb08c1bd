import { type ElfFile, SHF_EXECINSTR, SHF_WRITE } from '../../formats/elf/index.js';
import { LOGLEVEL_ERR } from '../../kernel/log.js';
import { ENOEXEC } from '../errno.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import type { LinuxKernel } from '../kernel.js';
import { LoadError } from './load-error.js';

const WRITABLE_CODE = SHF_WRITE | SHF_EXECINSTR;

/** What the kernel says of the first section that is both written and executed, if there is one. */
export function writableCode(elf: ElfFile, called: string): string | undefined {
  const section = elf.sections.find(({ flags }) => (flags & WRITABLE_CODE) === WRITABLE_CODE);
  return (
    section && `${called}: section ${section.name} (index ${section.index}) has invalid WRITE|EXEC flags`
  );
}

/**
 * module_enforce_rwx_sections(): no section may be both written and executed, one that is not loaded included. Throws LoadError
 * (ENOEXEC).
 */
export function refuseWritableCode(k: LinuxKernel, module: LoadedModule): void {
  if (!k.configured('CONFIG_STRICT_MODULE_RWX')) return;
  const text = writableCode(module.elf, module.name);
  if (text === undefined) return;
  k.log.line(text, LOGLEVEL_ERR);
  throw new LoadError(ENOEXEC, text);
}
