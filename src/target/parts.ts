import type { KernelImage } from './image/kernel-image.js';
import type { TargetInfo } from './target.js';

/**
 * A target in pieces, each of which can be stored, compressed and opened by itself. This is what a source is read into, and what a
 * file of a target holds; {@link openTarget} makes a target of it. Which pieces there are is the system's.
 */
export interface TargetParts<Info extends TargetInfo = TargetInfo, Part extends string = string> {
  readonly info: Info;
  /** All that it has; to know may mean to read the modules of a tree. */
  readonly names: readonly Part[];
  /** The bytes of a part. May decompress them: ask once. */
  part(name: Part): Uint8Array;
  /** The kernel's own code and data, where they are at hand: kept in a file of its own. May open it: ask once. */
  image?(): KernelImage | undefined;
}

/** A target whose parts are in two files; what both have is the first one's. */
export function joinParts(first: TargetParts, second: TargetParts): TargetParts {
  return {
    info: first.info,
    names: [...new Set([...first.names, ...second.names])],
    part: (name) => (first.names.includes(name) ? first : second).part(name),
  };
}

/** The same with another image, or none. */
export function withImage(parts: TargetParts, image: () => KernelImage | undefined): TargetParts {
  return {
    info: parts.info,
    // To ask for them may read a whole tree.
    get names() {
      return parts.names;
    },
    part: (name) => parts.part(name),
    image,
  };
}
