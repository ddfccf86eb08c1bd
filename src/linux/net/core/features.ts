import type { LinuxKernel } from '../../kernel.js';

/** A set of device features from the names of their bits: `features(k, 'SG', 'HW_CSUM')`. Unknown ones are left out. */
export function features(k: LinuxKernel, ...names: readonly string[]): bigint {
  let set = 0n;
  for (const name of names) {
    const bit = k.types.findEnumValue(`NETIF_F_${name}_BIT`);
    if (bit !== undefined) set |= 1n << BigInt(bit);
  }
  return set;
}
