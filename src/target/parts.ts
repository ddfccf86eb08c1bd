import type { KernelImage } from './image/kernel-image.js';

/**
 * A target in pieces, each of which can be stored, compressed and opened by itself. This is what a source is
 * read into, and what a file of a target holds; {@link openTarget} makes a Target of it.
 */
export interface TargetInfo {
  readonly name: string;
  readonly os: 'linux';
  readonly release: string;
  readonly arch: 'x86_64';
  readonly vermagic: string;
  readonly banner: string;
  readonly tree?: string;
}

export const PART_NAMES = [
  'btf',
  'symbols',
  'exports',
  'config',
  'builtin',
  'builtin.modinfo',
  'certificates',
] as const;

/** Parts that a target without a module tree does not have. */
export const MODULE_PART_NAMES = ['modules', 'symvers'] as const;

export type PartName = (typeof PART_NAMES)[number] | (typeof MODULE_PART_NAMES)[number];

export interface TargetParts {
  readonly info: TargetInfo;
  /** The bytes of a part. May decompress them: ask once. */
  part(name: PartName): Uint8Array;
  /** Whether there is such a part. */
  has(name: PartName): boolean;
  /** The kernel's own code and data, where they are at hand: kept in a file of its own. May open it: ask once. */
  image?(): KernelImage | undefined;
}
