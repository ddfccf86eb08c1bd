import { decodeParts, portableDecompressor } from './codec.js';
import { openTarget, type SystemTarget } from './open.js';
import { joinParts } from './parts.js';

/**
 * The target in a file that `modbox target` or the package has stored: its bytes, and those of the file with what it knows of its
 * modules where that is another. Throws FormatError for anything else, and where it is packed with what only Node unpacks (brotli).
 */
export function readStoredTarget(bytes: Uint8Array, modules?: Uint8Array): SystemTarget {
  const kernel = decodeParts(bytes, 'target', portableDecompressor);
  if (!modules) return openTarget(kernel);
  return openTarget(joinParts(kernel, decodeParts(modules, 'modules of the target', portableDecompressor)));
}
