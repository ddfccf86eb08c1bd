import type { FreebsdKernel } from '../kernel.js';

/** LO_ flags of a lock for the options that it is initialised with: MTX_RECURSE, SX_NOWITNESS, RW_DUPOK, RM_NEW and so on. */
export function lockFlags(k: FreebsdKernel, prefix: 'MTX' | 'SX' | 'RW' | 'RM', options: number): number {
  const has = (name: string): boolean => (options & k.macro(`${prefix}_${name}`)) !== 0;
  let flags = 0;
  if (has('RECURSE')) flags |= k.macro('LO_RECURSABLE');
  if (has('DUPOK')) flags |= k.macro('LO_DUPOK');
  if (has('NEW')) flags |= k.macro('LO_NEW');
  if (!has('NOWITNESS')) flags |= k.macro('LO_WITNESS');
  return flags;
}
