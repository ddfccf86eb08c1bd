import { type ElfFile, type Section, SHF_ALLOC, SHT_NOBITS } from '../../formats/elf/index.js';
import { LOGLEVEL_ERR, LOGLEVEL_WARNING } from '../../kernel/log.js';
import { ENOEXEC } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { CoreSymbols } from './layout.js';
import { LoadError } from './load-error.js';

/** The section of a module's struct module. */
export const THIS_MODULE = '.gnu.linkonce.this_module';

/**
 * Whether the kernel keeps each kind of a module's memory by itself (struct module_memory) instead of in core_layout. The same
 * kernels look closely at a module's struct module, and taint only once a module is in their list.
 */
export function hasSeparateMemories(k: LinuxKernel): boolean {
  return !k.struct('module').has('core_layout');
}

/** Which symbols of a module stay in memory; all where the target's configuration is not known. */
export function coreSymbols(k: LinuxKernel): CoreSymbols {
  if (k.target.config.size === 0 || k.configured('CONFIG_KALLSYMS_ALL')) return 'all';
  return k.configured('CONFIG_KALLSYMS') ? 'functions' : 'none';
}

/** The section of struct module, checked as the kernel does. `called`: `name` of .modinfo. Throws LoadError (ENOEXEC). */
export function findThisModule(k: LinuxKernel, elf: ElfFile, called: string | undefined): Section {
  const name = called ?? '(missing .modinfo section or name field)';
  if (hasSeparateMemories(k)) {
    const found = elf.sections.filter((section) => section.name === THIS_MODULE);
    return checkedThisModule(k, found, name);
  }
  const section = elf.allocatedSection(THIS_MODULE);
  if (!section) throw refusal(k, `${name}: No module found in object`, LOGLEVEL_WARNING);
  return section;
}

function checkedThisModule(k: LinuxKernel, found: readonly Section[], name: string): Section {
  const refuse = (text: string): LoadError => refusal(k, `module ${name}: ${text}`, LOGLEVEL_ERR);
  const [section] = found;
  if (!section || found.length > 1) throw refuse(`Only one ${THIS_MODULE} section must exist.`);
  if (section.type === SHT_NOBITS) throw refuse(`${THIS_MODULE} section must have a size set`);
  if (!(section.flags & SHF_ALLOC))
    throw refuse(`${THIS_MODULE} must occupy memory during process execution`);
  if (section.size !== k.sizeOf('module'))
    throw refuse(`${THIS_MODULE} section size must match the kernel's built struct module size at run time`);
  return section;
}

/**
 * Kernels that do not look at size and type write beyond a struct module that is too small, and find zeroes in one without
 * bytes. modbox refuses both, the first unless it is told to be lenient.
 */
export function refuseSmallStruct(
  k: LinuxKernel,
  name: string,
  { size, type }: Section,
  lenient: boolean,
): void {
  if (type === SHT_NOBITS) throw new LoadError(ENOEXEC, `${name}: struct module has no bytes in the file`);
  const own = k.sizeOf('module');
  if (size < own && !lenient)
    throw new LoadError(ENOEXEC, `${name}: struct module has ${size} bytes there, ${own} here`);
}

function refusal(k: LinuxKernel, text: string, level: number): LoadError {
  k.log.line(text, level);
  return new LoadError(ENOEXEC, text);
}
