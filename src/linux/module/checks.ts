import { LOGLEVEL_ERR, LOGLEVEL_NOTICE, LOGLEVEL_WARNING } from '../../kernel/log.js';
import { ENOEXEC } from '../errno.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import { Modules } from '../kallsyms/modules.js';
import type { TaintName } from '../kallsyms/taint.js';
import type { LinuxKernel } from '../kernel.js';
import { forceLoad, type LoadFlags } from './force.js';
import { hiddenLicense, isDistrusted, isGplCompatible } from './license.js';
import { LoadError } from './load-error.js';
import { modinfoBytes } from './modinfo-bytes.js';
import { hasSeparateMemories } from './this-module.js';
import { hasUnversionedExports } from './unversioned-exports.js';
import { sameMagic } from './vermagic.js';

/**
 * check_modinfo() of kernel/module/main.c: version magic, and what taints, unless the kernel sees to that later.
 * Throws LoadError (ENOEXEC).
 */
export function checkModinfo(k: LinuxKernel, module: LoadedModule, flags: LoadFlags): void {
  checkVermagic(k, module, flags);
  if (hasSeparateMemories(k)) checkLivepatch(k, module);
  else taintByModinfo(k, module);
}

/**
 * What load_module() looks at once the module is in the list: what taints (on newer kernels all of it,
 * module_augment_kernel_taints()), and exports without versions. Throws LoadError (ENOEXEC).
 */
export function checkAdded(k: LinuxKernel, module: LoadedModule): void {
  const proprietaryBefore = k.traps.taint.has('PROPRIETARY_MODULE');
  if (hasSeparateMemories(k)) taintByModinfo(k, module);
  taintUnsigned(k, module);
  checkLicenseByName(k, module, proprietaryBefore);
  checkExportVersions(k, module);
}

/** What of .modinfo taints, in the kernel's order: out of tree, without retpolines, staging, livepatch, licence, test. */
function taintByModinfo(k: LinuxKernel, module: LoadedModule): void {
  const { modinfo, name } = module;
  if (modinfo.get('intree') === undefined)
    taint(
      k,
      module,
      'OOT_MODULE',
      "it is not of the kernel's own source",
      `${name}: loading out-of-tree module taints kernel.`,
    );
  checkRetpoline(k, module);
  if (modinfo.get('staging') !== undefined) {
    k.get(Modules).taint(module, 'CRAP', 'it is of the staging directory');
    say(k, `${name}: module is from the staging directory, the quality is unknown, you have been warned.`);
  }
  if (!hasSeparateMemories(k)) checkLivepatch(k, module);
  checkLicense(k, module);
  if (modinfo.get('test') !== undefined)
    taint(k, module, 'TEST', 'it is a test module', `${name}: loading test module taints kernel.`);
}

/** Taints the module, and the kernel with a line that only the first of its kind gets. */
function taint(k: LinuxKernel, module: LoadedModule, name: TaintName, reason: string, text: string): void {
  if (!k.traps.taint.has(name)) say(k, text);
  k.get(Modules).taint(module, name, reason);
}

/** The same where the line comes once (pr_notice_once()), whoever set the flag before. */
function taintOnce(
  k: LinuxKernel,
  module: LoadedModule,
  name: TaintName,
  reason: string,
  text: string,
): void {
  const modules = k.get(Modules);
  if (modules.once.first(name)) say(k, text, LOGLEVEL_NOTICE);
  modules.taint(module, name, reason);
}

function say(k: LinuxKernel, text: string, level = LOGLEVEL_WARNING): void {
  k.log.line(text, level);
}

function checkVermagic(k: LinuxKernel, module: LoadedModule, flags: LoadFlags): void {
  const { name, modinfo } = module;
  const magic = flags.forceVermagic ? undefined : modinfo.get('vermagic');
  if (magic === undefined) {
    if (forceLoad(k, module, 'bad vermagic')) return;
    throw new LoadError(ENOEXEC, `${name}: no version magic, and the kernel does not load it by force`);
  }
  const versioned = !flags.forceModversion && module.elf.allocatedSection('__versions') !== undefined;
  if (sameMagic(magic, k.target.vermagic, versioned)) return;
  const text = `${name}: version magic '${magic}' should be '${k.target.vermagic}'`;
  say(k, text, LOGLEVEL_ERR);
  throw new LoadError(ENOEXEC, text);
}

/** check_modinfo_retpoline(): the emulated CPU is one that retpolines protect. */
function checkRetpoline(k: LinuxKernel, module: LoadedModule): void {
  const wanted = k.configured('CONFIG_RETPOLINE') || k.configured('CONFIG_MITIGATION_RETPOLINE');
  if (!wanted || module.modinfo.get('retpoline') !== undefined) return;
  say(k, 'Spectre V2 : System may be vulnerable to spectre v2', LOGLEVEL_ERR);
  say(k, `${module.name}: loading module not compiled with retpoline compiler.`);
}

function checkLivepatch(k: LinuxKernel, module: LoadedModule): void {
  const { name } = module;
  if (module.modinfo.get('livepatch') === undefined) return;
  if (k.configured('CONFIG_LIVEPATCH')) {
    taintOnce(
      k,
      module,
      'LIVEPATCH',
      'it patches the running kernel',
      `${name}: tainting kernel with TAINT_LIVEPATCH`,
    );
    return;
  }
  const text = `${name}: module is marked as livepatch module, but livepatch support is disabled`;
  say(k, text, LOGLEVEL_ERR);
  throw new LoadError(ENOEXEC, text);
}

/** set_license(); a licence with something behind a NUL in it is no GPL, whatever the kernel thinks. */
function checkLicense(k: LinuxKernel, module: LoadedModule): void {
  const license = module.modinfo.get('license') ?? 'unspecified';
  const hidden = module.lenient ? undefined : hiddenLicense(modinfoBytes(module.elf));
  if (isGplCompatible(license) && hidden === undefined) return;
  if (hidden !== undefined)
    say(
      k,
      `${module.name}: module license '${license}' has a NUL and '${hidden}' behind it: taken for proprietary.`,
    );
  if (!k.traps.taint.has('PROPRIETARY_MODULE'))
    say(k, `${module.name}: module license '${license}' taints kernel.`);
  k.get(Modules).taint(module, 'PROPRIETARY_MODULE', `its licence is '${license}'`, true);
}

/** Of load_module(): a module without a good signature taints where signatures are looked at. */
function taintUnsigned(k: LinuxKernel, module: LoadedModule): void {
  if (module.signed || !k.configured('CONFIG_MODULE_SIG')) return;
  const text = `${module.name}: module verification failed: signature and/or required key missing - tainting kernel`;
  taintOnce(k, module, 'UNSIGNED_MODULE', 'nobody whom the kernel trusts signed it', text);
}

const LOADS_OTHERS = 'it loads drivers that are proprietary';

/** Of check_module_license_and_versions(); the line comes for a licence that made it proprietary since `before`, too. */
function checkLicenseByName(k: LinuxKernel, module: LoadedModule, before: boolean): void {
  if (module.name === 'ndiswrapper')
    k.traps.taint.addUnreliable('PROPRIETARY_MODULE', LOADS_OTHERS, module.name);
  if (isDistrusted(module.name))
    k.get(Modules).taint(module, 'PROPRIETARY_MODULE', 'it is known not to be what its licence says', true);
  if (!before && k.traps.taint.has('PROPRIETARY_MODULE'))
    say(k, `${module.name}: module license taints kernel.`);
}

/** check_export_symbol_versions(). */
function checkExportVersions(k: LinuxKernel, module: LoadedModule): void {
  if (!k.configured('CONFIG_MODVERSIONS')) return;
  if (hasUnversionedExports(module.elf) && !forceLoad(k, module, 'no versions for exported symbols'))
    throw new LoadError(ENOEXEC, `${module.name}: its exports have no versions`);
}
