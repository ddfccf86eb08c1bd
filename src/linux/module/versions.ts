import type { ElfFile } from '../../formats/elf/index.js';
import { crcsByName, kernelVersions, parseExtendedModversions } from '../../formats/modversions.js';
import { LOGLEVEL_ERR, LOGLEVEL_WARNING } from '../../kernel/log.js';
import { ENOEXEC } from '../errno.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import { forceLoad, type LoadFlags } from './force.js';
import { LoadError } from './load-error.js';
import { type Crcs, type Versions, versionsOf } from './version-forms.js';

/** Compares the versions of symbols with those that a module was built against (kernel/module/version.c). */
export class VersionCheck {
  private readonly versions: Versions;

  /** Throws LoadError (ENOEXEC) where the sections of the extended form do not go together. */
  constructor(
    private readonly k: LinuxKernel,
    private readonly module: LoadedModule,
    flags: LoadFlags,
  ) {
    this.versions = flags.forceModversion ? { form: 'none' } : readVersions(k, module.elf);
  }

  /** check_version(): whether the module was built for this version of a symbol. Says in the log why not. */
  matches(name: string, crc: number): boolean {
    const { k, module, versions } = this;
    if (!keepsVersions(k)) return true;
    if (versions.form === 'none') return forceLoad(k, module, name);
    const wanted = versions.crcs.get(name);
    if (wanted === crc) return true;
    if (wanted === undefined) return this.withoutVersion(name, versions.form);
    k.log.line(`${module.name}: disagrees about version of symbol ${name}`, LOGLEVEL_WARNING);
    return false;
  }

  /** What is missing from the extended form passes, with a line that only the first such symbol gets. */
  private withoutVersion(name: string, form: 'basic' | 'extended'): boolean {
    const { k, module } = this;
    if (form === 'basic') {
      k.log.line(`${module.name}: no symbol version for ${name}`, LOGLEVEL_WARNING);
      return false;
    }
    if (k.get(Modules).once.first('no extended symbol version'))
      k.log.line(`${module.name}: no extended symbol version for ${name}`, LOGLEVEL_WARNING);
    return true;
  }
}

/** CONFIG_MODVERSIONS, which the vermagic tells too: also of a kernel that came without its configuration. */
function keepsVersions({ target }: LinuxKernel): boolean {
  return target.vermagic.split(' ').includes('modversions');
}

function readVersions(k: LinuxKernel, elf: ElfFile): Versions {
  const extended = knowsExtendedVersions(k) ? readExtended(k, elf) : undefined;
  const section = elf.allocatedSection('__versions');
  return versionsOf(section && crcsByName(kernelVersions(section.data)), extended);
}

/** elf_validity_cache_index_versions(): both sections or none, and a name for every CRC. */
function readExtended(k: LinuxKernel, elf: ElfFile): Crcs | undefined {
  const refuse = (text: string): never => {
    k.log.line(text, LOGLEVEL_ERR);
    throw new LoadError(ENOEXEC, `${elf.file}: ${text}`);
  };
  const has = (name: string): boolean => elf.section(name) !== undefined;
  if (has('__version_ext_crcs') !== has('__version_ext_names'))
    return refuse('extended version crc+name presence does not match');
  const { versions, unnamed } = parseExtendedModversions(elf);
  if (unnamed > 0) return refuse('more extended version crcs than names');
  if (!has('__version_ext_crcs')) return undefined;
  return crcsByName(versions);
}

/** The kernel's functions that walk over the extended form are there or not. */
function knowsExtendedVersions(k: LinuxKernel): boolean {
  return k.target.symbols.lookup('modversion_ext_start') !== undefined;
}
