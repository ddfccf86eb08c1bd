import { ENOEXEC } from '../../kernel/errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { TaintName } from '../traps/taint.js';
import { forceLoad, type LoadFlags, taintUnreliable } from './force.js';
import { hiddenLicense, isDistrusted, isGplCompatible } from './license.js';
import { LoadError } from './load-error.js';
import type { LoadedModule } from './loaded-module.js';
import { Modules } from './modules.js';
import { hasUnversionedExports } from './unversioned-exports.js';
import { sameMagic } from './vermagic.js';

const KERN_ERR = 3;
const KERN_WARNING = 4;
const KERN_NOTICE = 5;

/**
 * check_modinfo() of kernel/module/main.c: version magic, then what taints, in its order: out of tree, without
 * retpolines, staging, livepatch, licence, test. Throws LoadError (ENOEXEC).
 */
export function checkModinfo(k: LinuxKernel, module: LoadedModule, flags: LoadFlags): void {
  checkVermagic(k, module, flags);
  const { modinfo, name } = module;
  if (modinfo.get('intree') === undefined)
    taint(k, module, 'OOT_MODULE', `${name}: loading out-of-tree module taints kernel.`);
  checkRetpoline(k, module);
  if (modinfo.get('staging') !== undefined) {
    k.get(Modules).taint(module, 'CRAP');
    say(k, `${name}: module is from the staging directory, the quality is unknown, you have been warned.`);
  }
  checkLivepatch(k, module);
  checkLicense(k, module);
  if (modinfo.get('test') !== undefined)
    taint(k, module, 'TEST', `${name}: loading test module taints kernel.`);
}

/** Taints the module, and the kernel with a line that only the first of its kind gets. */
function taint(
  k: LinuxKernel,
  module: LoadedModule,
  name: TaintName,
  text: string,
  level = KERN_WARNING,
): void {
  if (!k.traps.taint.has(name)) say(k, text, level);
  k.get(Modules).taint(module, name);
}

function say(k: LinuxKernel, text: string, level = KERN_WARNING): void {
  k.log.line(text, level);
}

function checkVermagic(k: LinuxKernel, module: LoadedModule, flags: LoadFlags): void {
  const { name, modinfo } = module;
  const magic = flags.forceVermagic ? undefined : modinfo.get('vermagic');
  if (magic === undefined) {
    if (forceLoad(k, module, 'bad vermagic')) return;
    throw new LoadError(ENOEXEC, `${name}: no version magic, and the kernel does not load it by force`);
  }
  const versioned = !flags.forceModversion && module.elf.section('__versions') !== undefined;
  if (sameMagic(magic, k.target.vermagic, versioned)) return;
  const text = `${name}: version magic '${magic}' should be '${k.target.vermagic}'`;
  say(k, text, KERN_ERR);
  throw new LoadError(ENOEXEC, text);
}

/** check_modinfo_retpoline(): the emulated CPU is one that retpolines protect. */
function checkRetpoline(k: LinuxKernel, module: LoadedModule): void {
  const wanted = k.configured('CONFIG_RETPOLINE') || k.configured('CONFIG_MITIGATION_RETPOLINE');
  if (!wanted || module.modinfo.get('retpoline') !== undefined) return;
  say(k, 'Spectre V2 : System may be vulnerable to spectre v2', KERN_ERR);
  say(k, `${module.name}: loading module not compiled with retpoline compiler.`);
}

function checkLivepatch(k: LinuxKernel, module: LoadedModule): void {
  const { name } = module;
  if (module.modinfo.get('livepatch') === undefined) return;
  if (k.configured('CONFIG_LIVEPATCH')) {
    taint(k, module, 'LIVEPATCH', `${name}: tainting kernel with TAINT_LIVEPATCH`, KERN_NOTICE);
    return;
  }
  const text = `${name}: module is marked as livepatch module, but livepatch support is disabled`;
  say(k, text, KERN_ERR);
  throw new LoadError(ENOEXEC, text);
}

/** set_license(); a licence with something behind a NUL in it is no GPL, whatever the kernel thinks. */
function checkLicense(k: LinuxKernel, module: LoadedModule): void {
  const license = module.modinfo.get('license') ?? 'unspecified';
  const hidden = hiddenLicense(module.elf.section('.modinfo')?.data ?? new Uint8Array());
  if (isGplCompatible(license) && hidden === undefined) return;
  if (hidden !== undefined)
    say(
      k,
      `${module.name}: module license '${license}' has a NUL and '${hidden}' behind it: taken for proprietary.`,
    );
  if (!k.traps.taint.has('PROPRIETARY_MODULE'))
    say(k, `${module.name}: module license '${license}' taints kernel.`);
  taintUnreliable(k, module, 'PROPRIETARY_MODULE');
}

/** Of load_module(): a module without a good signature taints where signatures are looked at. */
export function taintUnsigned(k: LinuxKernel, module: LoadedModule): void {
  if (module.signed || !k.configured('CONFIG_MODULE_SIG')) return;
  const text = `${module.name}: module verification failed: signature and/or required key missing - tainting kernel`;
  taint(k, module, 'UNSIGNED_MODULE', text, KERN_NOTICE);
}

/** check_module_license_and_versions(). Throws LoadError (ENOEXEC) for exports without versions. */
export function checkLicenseAndVersions(k: LinuxKernel, module: LoadedModule): void {
  const before = k.traps.taint.has('PROPRIETARY_MODULE');
  if (module.name === 'ndiswrapper') taintUnreliable(k, undefined, 'PROPRIETARY_MODULE');
  if (isDistrusted(module.name)) taintUnreliable(k, module, 'PROPRIETARY_MODULE');
  if (!before && k.traps.taint.has('PROPRIETARY_MODULE'))
    say(k, `${module.name}: module license taints kernel.`);
  if (!k.configured('CONFIG_MODVERSIONS')) return;
  if (hasUnversionedExports(module.elf) && !forceLoad(k, module, 'no versions for exported symbols'))
    throw new LoadError(ENOEXEC, `${module.name}: its exports have no versions`);
}
