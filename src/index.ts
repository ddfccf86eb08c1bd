/**
 * modbox as a library on Node: what is in portable.ts, files and folders of the disk, and the kernel that comes with the package as
 * the one that machines boot if nobody chooses.
 */
import { setDefaultFiles } from './kmod/index.js';
import { DiskFiles } from './kmod/node/disk-files.js';
import { setBootDefaults } from './machine/linux/defaults.js';
import { DiskIndexCache } from './machine/linux/node/index-cache.js';
import { loadBundled } from './target/node/index.js';

setDefaultFiles(new DiskFiles(''));
setBootDefaults({ target: loadBundled, indexCache: () => new DiskIndexCache() });

export { DiskFiles } from './kmod/node/disk-files.js';
export { DiskWriter } from './kmod/node/disk-writer.js';
export { writeImage } from './kmod/node/write-image.js';
export { DiskIndexCache } from './machine/linux/node/index-cache.js';
export * from './portable.js';
export { loadBundled, type StoredTarget, TargetStore } from './target/node/index.js';
export { nodeVerifier } from './trust/node/verifier.js';
