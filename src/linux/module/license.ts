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
