import type { LinuxTarget } from '../../target/index.js';
import { loadBundled } from '../../target/node/index.js';

/** The bundled kernel with other options: `undefined` is not set. */
export function configured(options: Readonly<Record<string, string | undefined>>): LinuxTarget {
  const { name, os, release, arch, vermagic, banner, ...parts } = loadBundled();
  const config = new Map(parts.config);
  for (const [option, value] of Object.entries(options))
    if (value === undefined) config.delete(option);
    else config.set(option, value);
  return { name, os, release, arch, vermagic, banner, ...parts, config };
}
