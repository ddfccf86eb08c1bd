import { decodeParts, portableDecompressor } from './codec.js';
import { openTarget } from './open.js';
import type { TargetParts } from './parts.js';
import type { Target } from './target.js';

/**
 * The target in a file that `modbox target` or the package has stored: its bytes, and those of the file with what it knows of its
 * modules where that is another. Throws FormatError for anything else, and where it is packed with what only Node unpacks (brotli).
 */
export function readStoredTarget(bytes: Uint8Array, modules?: Uint8Array): Target {
  const kernel = decodeParts(bytes, 'target', portableDecompressor);
  const others = modules && decodeParts(modules, 'modules of the target', portableDecompressor);
  const partsWith = (name: Parameters<TargetParts['part']>[0]): TargetParts | undefined =>
    [kernel, others].find((parts) => parts?.has(name));
  return openTarget({
    info: kernel.info,
    has: (name) => partsWith(name) !== undefined,
    part: (name) => (partsWith(name) ?? kernel).part(name),
  });
}
