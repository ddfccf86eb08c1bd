/** Licence strings that the kernel counts as GPL-compatible (license_is_gpl_compatible, include/linux/license.h). */
const GPL_COMPATIBLE = new Set([
  'GPL',
  'GPL v2',
  'GPL and additional rights',
  'Dual BSD/GPL',
  'Dual MIT/GPL',
  'Dual MPL/GPL',
]);

/** A module without a licence counts as 'unspecified', which is proprietary. */
export function isGplCompatible(license: string | undefined): boolean {
  return license !== undefined && GPL_COMPATIBLE.has(license);
}

const KEY = /^[\w.]+=/;

/**
 * What follows a NUL in the licence string, of the bytes of `.modinfo`: MODULE_LICENSE("GPL\0for files in ..."). The
 * kernel reads what is before the NUL and takes the module for GPL. Undefined where the licence ends as it should: at
 * the end, at padding or at the next `key=`.
 */
export function hiddenLicense(modinfo: Uint8Array): string | undefined {
  const strings = new TextDecoder('latin1').decode(modinfo).split('\0');
  const at = strings.findIndex((text) => text.startsWith('license='));
  const next = at < 0 ? undefined : strings[at + 1];
  return next === undefined || next === '' || KEY.test(next) ? undefined : next;
}

/** Modules that say GPL and are known to load or be something else (check_module_license_and_versions()). */
const DISTRUSTED = ['driverloader', 'lve'];

export function isDistrusted(name: string): boolean {
  return DISTRUSTED.includes(name);
}
