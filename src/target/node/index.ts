export { BUNDLED_FREEBSD, BUNDLED_RELEASE, loadBundled } from './bundled.js';
export { sourceOfPath, treeSource } from './path-source.js';
export { type AddOptions, defaultTargetFolder, type StoredTarget, TargetStore } from './target-store.js';
export { bundleCompressor, deflateCompressor, nodeDecompressor } from './zlib-codec.js';
