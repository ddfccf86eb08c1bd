import type { LinuxTarget } from '../../target/index.js';
import { loadBundled } from '../../target/node/index.js';

/** The bundled kernel, or another target, with other options: `undefined` is not set. */
export function configured(
  options: Readonly<Record<string, string | undefined>>,
  target = loadBundled(),
): LinuxTarget {
  const { name, os, release, arch, vermagic, banner, ...parts } = target;
  const config = new Map(parts.config);
  for (const [option, value] of Object.entries(options))
    if (value === undefined) config.delete(option);
    else config.set(option, value);
  return { name, os, release, arch, vermagic, banner, ...parts, config };
}
